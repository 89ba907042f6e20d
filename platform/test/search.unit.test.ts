import type { Condition } from '../src/lists/condition.ts'
import { parseSearch } from '../src/lists/search.ts'

const search = {
  column: 'texts',
  normalise: (text: string) => text.toLowerCase(),
  isPadded: true,
  isFolded: true,
  hasTelephones: false,
  toleratesErrors: false,
}
const patternsOf = (conditions: readonly Condition[]): unknown[] => {
  const values: unknown[] = []
  for (const condition of conditions) condition((value) => `$${values.push(value)}`, {})
  return values
}
const matched = (text: string) => patternsOf(parseSearch(search, text).match)

describe('The statement of a search', () => {
  it('has only the widest form of a word with punctuation, because that finds the others too', () => {
    expect(matched('olga.haasova')).toEqual(['%olga%', '%haasova%'])
    expect(matched('Coca-Cola shop')).toEqual(['%coca%', '%cola%', '%shop%'])
  })

  it('has all forms if a part is short, because a short part must begin a word', () => {
    expect(matched('d-arc')).toEqual(['%d-arc%', '%darc%'])
    expect(matched('al-amin')).toEqual(['%al-amin%', '%alamin%', '% al%', '%amin%'])
  })

  it('has the letters as they are typed, and without accents, if these are different words', () => {
    expect(matched('łódź')).toEqual(['%łódź%', '%lodz%'])
  })

  it('asks for all forms where the best matches come first', () => {
    expect(patternsOf(parseSearch(search, 'olga.haasova').tiers[0] ?? [])).toEqual([
      '% olga.haasova %',
      '% olgahaasova %',
      '% olga %',
      '% haasova %',
    ])
  })
})
