import { csvSyntaxOf, readCells } from './csv-cells.ts'
import { columnNames, looksLikeHeader } from './header.ts'
import { type CsvFormat, defaultReadLimits, FileError } from './row.ts'
import { countFilled, findTable } from './table-start.ts'

/** What the uploader of a CSV file says about it. Absent properties are detected. */
export type CsvOptions = {
  delimiter?: string | undefined
  quote?: '"' | "'" | undefined
  /** Whether the first row of the table names the columns. */
  header?: boolean | undefined
  /** The number of rows above the table. */
  skip?: number | undefined
  maxColumns?: number
  /** Whether a cell is a known name of a column. A first row with one is a header, whatever its other cells are. */
  isKnownName?: (name: string) => boolean
}

const delimiters = [',', ';', '\t', '|']
const sampleRows = 100

/** Detects the format of a CSV file, as `detectTable` does. */
export const detectCsv = (sample: Buffer, isWhole: boolean, options: CsvOptions) => {
  const newline = detectNewline(sample)
  const declared = /^("?)sep=(.)\1\r?[\n\r]/i.exec(sample.toString('latin1', 0, 12))?.[2]
  const from = declared === undefined ? 0 : sample.indexOf(newline) + 1
  const quote = options.quote ?? detectQuote(sample.toString('latin1', from, from + 10_000))
  const read = (delimiter: string) => firstRows(sample.subarray(from), isWhole, { delimiter, quote, newline })
  const delimiter = options.delimiter ?? declared ?? bestDelimiter(read)
  const { start, first, rows, titles } = findFirstRow(read(delimiter), isWhole, options)
  const header = options.header ?? looksLikeHeader(first, rows, options.isKnownName)
  const columns = columnNames(first, header, options.maxColumns ?? defaultReadLimits.columns)
  const format: CsvFormat = {
    ...{ format: 'csv', delimiter, quote, newline, columns },
    skipRows: start + (header ? 1 : 0),
    ...(header && { headerRow: start + 1 }),
    ...(declared !== undefined && { hasSepLine: true }),
  }
  return { format, columns, header, titles }
}

type Cells = string[] | undefined

/** Finds the first row of the table. @throws FileError if there is none */
const findFirstRow = (rows: Cells[], isWhole: boolean, { skip, isKnownName }: CsvOptions) => {
  const start = skip ?? findTable(rows, isKnownName)
  const below = rows.slice(start).filter((cells) => cells !== undefined && countFilled(cells) > 0) as string[][]
  const [first, ...others] = below
  if (first === undefined)
    throw isWhole
      ? new FileError('no_columns', skip ? `the file has no rows after the first ${skip}` : 'the file has no rows')
      : new FileError('row_too_long', 'the first row of the file is too long for a header', { row: 1 })
  const titles = rows.slice(0, start).map((cells) => cells?.filter((cell) => cell.trim() !== '').join(' ') ?? '')
  return { start: rows.indexOf(first), first, rows: others, titles: titles.filter((title) => title !== '') }
}

/** The end of the first line, which is not in quotes: Excel on a Mac ends rows with CR, and lines within a cell with LF. */
const detectNewline = (sample: Buffer): CsvFormat['newline'] => {
  const isOnlyReturn = sample.includes(0x0d) && !sample.includes(0x0a)
  let isQuoted = false
  for (let at = 0; at < sample.length; at += 1) {
    const byte = sample[at]
    if (byte === 0x22) isQuoted = !isQuoted
    else if (isQuoted) continue
    else if (byte === 0x0a) return '\n'
    else if (byte === 0x0d && at + 1 < sample.length) return sample[at + 1] === 0x0a ? '\n' : '\r'
  }
  return isOnlyReturn ? '\r' : '\n'
}

const detectQuote = (text: string): CsvFormat['quote'] =>
  !text.includes('"') && (text.match(/(?<=^|[,;\t|\n])'[^'\n]*'(?=[,;\t|\r\n])/g) ?? []).length > 1 ? "'" : '"'

type Style = Pick<CsvFormat, 'delimiter' | 'quote' | 'newline'>

/** Reads the complete rows of the sample. A row with text after a closing quote is undefined. */
const firstRows = (sample: Buffer, isWhole: boolean, style: Style): Cells[] => {
  const rows: Cells[] = []
  const syntax = csvSyntaxOf(style)
  for (let at = 0; at < sample.length && rows.length < sampleRows; ) {
    const row = readCells(sample, at, isWhole, syntax)
    if ('isInQuotes' in row) break
    rows.push(row.cells)
    at = row.end + 1
  }
  return rows
}

/** Returns the number of cells that most rows have, and their share of the rows that are not blank. */
const usualWidth = (rows: readonly Cells[]): { width: number; share: number } => {
  const counts = new Map<number, number>()
  for (const { length } of rows.filter((cells) => cells !== undefined))
    counts.set(length, (counts.get(length) ?? 0) + 1)
  const [width = 0, count = 0] = [...counts].reduce((most, each) => (each[1] > most[1] ? each : most), [0, 0])
  return { width, share: count / Math.max(rows.length, 1) }
}

/**
 * Returns the delimiter that splits most rows into the same number of cells or, if two are equal, the one with more cells. One
 * that splits a quoted cell of the first row is only chosen if there is no other.
 */
const bestDelimiter = (read: (delimiter: string) => Cells[]): string => {
  let best = { delimiter: ',', score: -1 }
  for (const delimiter of delimiters) {
    const rows = read(delimiter).filter((cells) => cells === undefined || countFilled(cells) > 0)
    const { width, share } = usualWidth(rows)
    if (width < 2) continue
    const score = share + Math.min(width, 100) / 1000 - (rows[0] === undefined ? 1 : 0)
    if (score > best.score) best = { delimiter, score }
  }
  return best.delimiter
}
