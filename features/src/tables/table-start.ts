/** The number of rows in which the beginning of the table is searched for. */
const maxTitleRows = 30

/** Counts the cells that are not blank. */
export const countFilled = (cells: readonly string[]): number => cells.filter((cell) => cell.trim() !== '').length

type Rows = readonly (readonly string[] | undefined)[]

/**
 * Returns the index of the first row of the table. Reports have titles above it, such as `Customer list` and `Created: 1 May`: rows
 * with fewer cells than the header, whose names are known, or rows of a single cell above a table of several columns.
 */
export const findTable = (rows: Rows, isKnownName: (name: string) => boolean = () => false): number => {
  const top = rows.slice(0, maxTitleRows)
  const header = top.findIndex((cells) => cells && cells.filter((cell) => isKnownName(cell.trim())).length >= 2)
  const filled = (cells: Rows[number]) => (cells === undefined ? 0 : countFilled(cells))
  const fits = (index: number) => top.slice(0, index).every((cells) => filled(cells) < filled(top[index]))
  if (header !== -1 && fits(header)) return header
  const widest = Math.max(...top.map(filled), 0)
  const first = top.findIndex((cells) => filled(cells) > 0)
  const table = top.findIndex((cells) => filled(cells) >= 2)
  const isTitled = widest >= 3 && filled(top[first]) === 1 && table > first
  return Math.max(isTitled ? table : first, 0)
}
