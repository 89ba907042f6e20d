import type { SearchWord } from './search-words.ts'
import type { Vocabulary } from './vocabulary.ts'

const minLetters = 4
/** A query with more words is searched only as it is. */
const maxCorrectedWords = 5
const maxCorrections = 10

/** Whether one letter is wrong, missing or too many, or two neighbours are exchanged. Equal words do not differ. */
const differByOneLetter = (a: string, b: string): boolean => {
  const difference = Math.abs(a.length - b.length)
  if (difference > 1 || a === b) return false
  const shorter = Math.min(a.length, b.length)
  let start = 0
  while (start < shorter && a[start] === b[start]) start += 1
  let end = 0
  while (end < shorter - start && a.at(-1 - end) === b.at(-1 - end)) end += 1
  const differing = shorter - start - end
  if (difference === 1) return differing === 0
  if (differing === 2) return a[start] === b[start + 1] && a[start + 1] === b[start]
  return differing === 1
}

/** The word that stands for all forms: folded, and of letters only. */
const lettersOf = ({ forms }: SearchWord): string | undefined =>
  forms.map((terms) => terms.join('')).findLast((form) => /^\p{L}+$/u.test(form))

const correctionsOf = (word: string, vocabulary: Vocabulary): string[] => {
  const { length } = [...word]
  if (length < minLetters) return []
  const candidates = [length, length - 1, length + 1].flatMap((each) => vocabulary.get(each) ?? [])
  return candidates.filter((each) => differByOneLetter(word, each)).slice(0, maxCorrections)
}

/** Adds to each word the known words that differ from it by one typing error; undefined if there are none for any word. */
export const withSimilarWords = (words: readonly SearchWord[], vocabulary: Vocabulary): SearchWord[] | undefined => {
  if (words.length > maxCorrectedWords) return undefined
  const corrected = words.map((word) => {
    const letters = lettersOf(word)
    return { ...word, similar: letters === undefined ? [] : correctionsOf(letters, vocabulary) }
  })
  return corrected.some(({ similar }) => similar.length > 0) ? corrected : undefined
}
