import { unescapeFormula } from './formula-escaping.ts'
import { FileFault } from './row.ts'

// What stands in rows, and not over them: addresses, numbers, telephone numbers, dates and ids.
const data = /@|^[+(]?\d[\d\s.,:/()-]*$|^\d{4}-\d\d-\d\d|^[\da-f]{8}-[\da-f]{4}-/i

/** Whether the first row names the columns: names are short, differ from each other and are no data. */
export const looksLikeHeader = (first: readonly string[], rows: readonly (readonly string[])[]): boolean => {
  const names = first.map((name) => name.trim()).filter((name) => name !== '')
  if (names.length === 0 || names.some((name) => name.length > 100 || data.test(name))) return false
  if (new Set(names).size === names.length) return true
  // The same name twice is still a header where the rows below have data in other forms.
  return rows.some((cells) => cells.some((cell) => data.test(cell.trim())))
}

/**
 * The names of a file's columns: those of its header, `column3` where it has none.
 * @throws FileFault where two have the same name: nobody could tell which one is meant
 */
export const headerOf = (first: readonly string[], isHeader: boolean, mostColumns: number): string[] => {
  if (first.length > mostColumns)
    throw new FileFault('too_many_columns', `has ${first.length} columns, more than ${mostColumns}`, { row: 1 })
  const names = first.map((name, index) => (isHeader && unescapeFormula(name).trim()) || `column${index + 1}`)
  const twice = names.filter((name, index) => names.indexOf(name) !== index)
  if (twice.length === 0) return names
  const named = [...new Set(twice)].slice(0, 5).map((name) => JSON.stringify(name.slice(0, 100)))
  throw new FileFault('duplicate_header', `has more than one column ${named.join(', ')}`, { row: 1 })
}
