import { withSimilarWords } from '../src/lists/words/similar-words.ts'

const names = ['anna', 'john', 'lovelace', 'lukasz', 'strauss', 'mario', 'maria', 'ann']
const vocabulary = new Map([3, 4, 5, 6, 7, 8].map((length) => [length, names.filter((name) => name.length === length)]))
const similarTo = (...words: string[][][]) =>
  withSimilarWords(
    words.map((forms) => ({ forms })),
    vocabulary,
  )?.map(({ similar }) => similar)

it.each([
  ['lovelase', ['lovelace']],
  ['lovelce', ['lovelace']],
  ['llovelace', ['lovelace']],
  ['ovelace', ['lovelace']],
  ['lovelacee', ['lovelace']],
  ['lovelaec', ['lovelace']],
  ['jhon', ['john']],
  ['amna', ['anna']],
  ['annn', ['anna', 'ann']],
  ['marix', ['mario', 'maria']],
])('%s is similar to %j', (word, expected) => expect(similarTo([[word]])).toEqual([expected]))

it.each(['lovelace', 'lovelasse', 'levolace', 'loxelaxe', 'ano', 'l0velace', 'xyzzyq', ''])(
  '%s is similar to no name',
  (word) => expect(similarTo([[word]])).toBeUndefined(),
)

it('the folded form of a word is compared, and other words of the query stay as they are', () => {
  expect(similarTo([['łukazs'], ['lukazs']], [['0151'], ['15123']], [['berg']])).toEqual([['lukasz'], [], []])
  expect(similarTo(...Array(6).fill([['lovelase']]))).toBeUndefined()
})
