import { all, type Bind, type Condition, type ListContext, markEstimated, markIdCondition } from './condition.ts'
import { checkText, escapeLike, FilterError, type Search, wordStartCondition } from './filters.ts'
import { parseWords, type SearchWord } from './words/search-words.ts'

const maxWords = 10

/**
 * What `q` asks for. `match` has a condition for each word. `tiers` are the rows in the order of their relevance: those in which all
 * words are whole words, those in which all begin words, and the others. They are disjoint, and together they are `match`.
 */
export type TextSearch = { text: string; words: SearchWord[]; match: Condition[]; tiers: Condition[][] }

// A trigram index cannot find one or two letters inside a word, but it finds them at the beginning of a word. Digits are not
// treated like this, because nearly every row contains them, nor are scripts without spaces between words.
const isShort = (word: string): boolean =>
  [...word].length < 3 &&
  /^\p{L}+$/u.test(word) &&
  !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u.test(
    word,
  )

/** Returns the words of `q`, in all their forms. @throws FilterError */
const wordsOf = (search: Search, value: string): SearchWord[] => {
  const words = parseWords(search, checkText(value))
  if (words.length > maxWords) throw new FilterError(`must have at most ${maxWords} words`)
  return words
}

type WriteTerm = (search: Search, term: string, bind: Bind) => string

const contains: WriteTerm = ({ column }, term, bind) => `${column} like ${bind(`%${escapeLike(term)}%`)}`

const beginsWord: WriteTerm = (search, term, bind) => wordStartCondition(search, escapeLike(term), bind)

const containsOrBegins: WriteTerm = (search, term, bind) => (isShort(term) ? beginsWord : contains)(search, term, bind)

/** The condition that a word stands between spaces or ends of the text. A trigram index serves each of its patterns. */
const isWord: WriteTerm = ({ column, isPadded }, term, bind) => {
  const literal = escapeLike(term)
  const patterns = [`% ${literal} %`, ...(isPadded ? [] : [`${literal} %`, `% ${literal}`, literal])]
  return `(${patterns.map((pattern) => `${column} like ${bind(pattern)}`).join(' or ')})`
}

/** The condition that the text has all terms of one of the word's forms, or a similar word. */
const hasWord = (write: WriteTerm, search: Search, { forms, similar = [] }: SearchWord): Condition =>
  markEstimated((bind) => {
    const alternatives = [
      ...forms.map((terms) => terms.map((term) => write(search, term, bind)).join(' and ')),
      ...similar.map((word) => isWord(search, word, bind)),
    ]
    return alternatives.length === 1 ? (alternatives[0] ?? 'true') : `((${alternatives.join(') or (')}))`
  })

/** Whether every text that contains the terms of `form` contains those of `other`. */
const implies = (form: readonly string[], other: readonly string[]): boolean =>
  other.every((term) => !isShort(term) && form.some((each) => each.includes(term)))

/**
 * Leaves out the forms that others find as well: whatever contains `olga.haasova` or `olgahaasova` contains `olga` and `haasova`. Of
 * two forms that find the same, the first stays.
 */
const withoutImplied = (word: SearchWord): SearchWord => ({
  ...word,
  forms: word.forms.filter(
    (form, at) => !word.forms.some((other, otherAt) => implies(form, other) && (otherAt < at || !implies(other, form))),
  ),
})

/** Combines conditions with AND. */
export const allOf =
  (conditions: Condition[]): Condition =>
  (bind, context) =>
    all(...conditions.map((condition) => condition(bind, context)))

const not =
  (condition: Condition): Condition =>
  (bind, context) =>
    `not (${condition(bind, context)})`

/** Parses `q`. Without words it matches every row. @throws FilterError */
export const parseSearch = (search: Search, value: string): TextSearch =>
  searchByWords(search, value, wordsOf(search, value))

/** A search for rows that have all words. Without words it matches every row. */
export const searchByWords = (search: Search, text: string, words: SearchWord[]): TextSearch => {
  const conditionsOf = (write: WriteTerm) => words.map((word) => hasWord(write, search, word))
  const match = words.map((word) => hasWord(containsOrBegins, search, withoutImplied(word)))
  if (words.length === 0) return { text, words, match, tiers: [[]] }
  const whole = conditionsOf(isWord)
  const begins = conditionsOf(beginsWord)
  const tiers = [whole, [...begins, markEstimated(not(allOf(whole)))]]
  // A short word is found only at the beginning of words.
  if (!words.every(({ forms }) => forms.flat().every(isShort)))
    tiers.push([...match, markEstimated(not(allOf(begins)))])
  return { text, words, match, tiers }
}

/** Writes the number of the tier of a row, for a statement that sorts all rows. */
export const tierColumn = ({ tiers }: TextSearch, bind: Bind, context: ListContext): string => {
  const cases = tiers.map((tier, number) => `when ${allOf(tier)(bind, context)} then ${number}`)
  return `case ${cases.join(' ')} end`
}

/** A search for rows that are known by their ids. */
export const searchByIds = (text: string, id: string, ids: readonly string[]): TextSearch => {
  const condition = markIdCondition((bind) => `${id} = any(${bind(ids)})`)
  return { text, words: [], match: [condition], tiers: [[condition]] }
}
