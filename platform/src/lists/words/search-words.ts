import type { Search } from '../filters.ts'
import { foldedForms } from './fold-text.ts'

/**
 * A word of `q`: its forms, of which one must occur. A form is one term or several, which must all occur. Instead, one of the `similar`
 * words may occur as a whole word.
 */
export type SearchWord = { forms: string[][]; similar?: readonly string[] }

// Quotation marks, brackets, and the punctuation of sentences.
const edge = `\\p{Ps}\\p{Pe}\\p{Pi}\\p{Pf}"'\`.,;:!?¿¡…`
const leading = new RegExp(`^[${edge}]+`, 'u')
const trailing = new RegExp(`[${edge}]+$`, 'u')

/** Removes punctuation before and after a word: `'(ann),'` → `'ann'`. A word of nothing else stays. */
const trimPunctuation = (word: string): string => word.replace(leading, '').replace(trailing, '') || word

/** Splits at spaces and semicolons, and at commas that are no decimal commas: `'phone,ann'` → `phone`, `ann`. */
const splitWords = (text: string): string[] =>
  text
    .split(/[\s;]+|,(?!\d)/)
    .filter((word) => word !== '')
    .map(trimPunctuation)

const isSame = (a: readonly string[], b: readonly string[]): boolean => a.join(' ') === b.join(' ')

/** Removes repeated forms. */
const distinct = (forms: string[][]): string[][] =>
  forms.filter((form, index) => form.length > 0 && forms.findIndex((each) => isSame(each, form)) === index)

/** A word with more parts is searched only as a whole, which bounds the statement. */
const maxParts = 4

const formsOf = (word: string): string[][] =>
  distinct([[word], ...foldedForms(word).filter(({ length }) => length <= maxParts)])

// At most this many digits, with the prefix for calls abroad (E.164 allows 15).
const maxDigits = 17
const minDigits = 6
const telephoneToken = /^(?:tel:)?\+?[\d()./-]*$/
// Telephones put marks of the direction of writing around numbers that are copied.
const invisible = /\p{Cf}/gu
const internationalPrefix = /^(?:\+|00)/
const anyPrefix = /^[+0(]/

/** The digits of a telephone number that the stored form (E.164) contains, too: without signs and prefixes. */
const telephoneDigits = (number: string): string | undefined => {
  const isInternational = internationalPrefix.test(number)
  const digits = (isInternational ? number.replace('(0)', '') : number).replace(/\D/g, '')
  const stored = digits.replace(/^0+/, '')
  return digits.length <= maxDigits && stored.length >= minDigits ? stored : undefined
}

/** A telephone number in any notation, or else its tokens as words. */
const telephoneOrWords = (tokens: readonly string[]): SearchWord[] => {
  const words = tokens.filter((token) => /\d/.test(token)).flatMap(splitWords)
  const number = tokens.join('').replace('tel:', '')
  const digits = telephoneDigits(number)
  if (digits === undefined) return words.map((word) => ({ forms: formsOf(word) }))
  // A text that contains such a word contains the digits as well. Several groups with a prefix are a telephone number; others may be
  // the numbers of different fields.
  const isTelephone = words.length === 1 ? words[0]?.includes(digits) : anyPrefix.test(number)
  return [{ forms: isTelephone ? [[digits]] : distinct([[digits], words]) }]
}

/** Separates the words of `q` from what may be telephone numbers, which people write with spaces. */
const withTelephones = (text: string): SearchWord[] => {
  const words: SearchWord[] = []
  let tokens: string[] = []
  const endNumber = () => {
    if (tokens.length > 0) words.push(...telephoneOrWords(tokens))
    tokens = []
  }
  for (const token of text.split(/\s+/)) {
    const plain = token
      .replace(invisible, '')
      .replace(/\p{Pd}/gu, '-')
      .replace(/[,;]+$/, '')
    if (/^(?:\+|tel:)/.test(plain)) endNumber()
    if (telephoneToken.test(plain) && /\d/.test(tokens.join('') + plain)) {
      tokens.push(plain)
      if (/[,;]$/.test(token)) endNumber()
    } else {
      endNumber()
      words.push(...splitWords(token).map((word) => ({ forms: formsOf(word) })))
    }
  }
  endNumber()
  return words
}

/** Returns the words of a text, without repetitions. */
export const parseWords = ({ normalise, isFolded, hasTelephones }: Search, value: string): SearchWord[] => {
  const text = normalise(value)
  if (!isFolded)
    return [...new Set(text.split(/\s+/))].filter((word) => word !== '').map((word) => ({ forms: [[word]] }))
  const words = hasTelephones ? withTelephones(text) : splitWords(text).map((word) => ({ forms: formsOf(word) }))
  const keys = words.map(({ forms }) => JSON.stringify(forms))
  return words.filter((_, index) => keys.indexOf(keys[index] ?? '') === index)
}
