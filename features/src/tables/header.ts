import { plainText } from './formula-escaping.ts'
import { FileError } from './row.ts'

// Values that occur in rows but not in headers: e-mail addresses, numbers, telephone numbers, dates and ids.
const dataPattern = /@|^[+(]?\d[\d\s.,:/()-]*$|^\d{4}-\d\d-\d\d|^[\da-f]{8}-[\da-f]{4}-/i

// Cells may have line breaks and tabs. A lone surrogate, like NUL, cannot be stored.
const controlCharacter = /(?![\t\n\r])\p{Cc}|\p{Cs}/u

/**
 * Whether the first row is a header: one of its cells is a known name of a column, or its names are short and distinct, and do not
 * look like data.
 */
export const looksLikeHeader = (
  first: readonly string[],
  rows: readonly (readonly string[])[],
  isKnownName: (name: string) => boolean = () => false,
): boolean => {
  const names = first.map((name) => plainText(name).trim()).filter((name) => name !== '')
  if (names.some(isKnownName)) return true
  if (names.length === 0 || names.some((name) => name.length > 100 || dataPattern.test(name))) return false
  if (new Set(names).size === names.length) return true
  // A row with a duplicate name is a header if the rows below look like data.
  return rows.some((cells) => cells.some((cell) => dataPattern.test(cell.trim())))
}

/** Numbers the columns that have the name of an earlier one: `Email`, `Email (2)`. */
const numberRepeated = (names: readonly string[]): string[] => {
  const taken = new Set(names)
  const seen = new Map<string, number>()
  return names.map((name) => {
    let count = (seen.get(name) ?? 0) + 1
    let unique = count === 1 ? name : `${name} (${count})`
    for (; count > 1 && taken.has(unique); unique = `${name} (${count})`) count += 1
    seen.set(name, count)
    taken.add(unique)
    return unique
  })
}

/**
 * Returns the names of a file's columns: those of its header, or `column3` for a column without a name. A name that the file repeats
 * gets a number, such as `Email (2)`.
 * @throws FileError if a name has a control character
 */
export const columnNames = (first: readonly string[], isHeader: boolean, maxColumns: number): string[] => {
  if (first.length > maxColumns)
    throw new FileError('too_many_columns', `the file has ${first.length} columns; at most ${maxColumns} are allowed`, {
      row: 1,
    })
  const names = first.map((name, index) => (isHeader && plainText(name).trim()) || `column${index + 1}`)
  const withControl = names.findIndex((name) => controlCharacter.test(name))
  if (withControl !== -1)
    throw new FileError('bad_header', `the name of column ${withControl + 1} has a control character; remove it`, {
      row: 1,
    })
  return numberRepeated(names)
}
