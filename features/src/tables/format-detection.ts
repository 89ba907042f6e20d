import { TableWindow } from './byte-window.ts'
import { csvBytes, readCells } from './csv-cells.ts'
import { headerOf, looksLikeHeader } from './header.ts'
import { JsonScanner } from './json-scanner.ts'
import { createParser } from './reader.ts'
import { type CsvFormat, defaultReadLimits, FileFault, type TableFormat } from './row.ts'

/** What the sender said; what is left out is found out. */
export type SniffOptions = {
  format?: TableFormat['format'] | undefined
  delimiter?: string | undefined
  quote?: '"' | "'" | undefined
  header?: boolean | undefined
  /** JSON: as in `readRows`. */
  dotted?: boolean
  mostColumns?: number
}

/** The format of a table and its columns; for JSON those of the rows that were looked at. */
export type Sniffed = { format: TableFormat; columns: string[]; header: boolean }

const delimiters = [',', ';', '\t', '|']
const rowsLookedAt = 100

/**
 * Finds out how a table is written from its beginning.
 * @param sample UTF-8, as `decodeText` gives it; 64 KiB are enough. `isWhole` where it is the whole file
 * @throws FileFault where it is no table
 */
export const sniffTable = (sample: Buffer, isWhole: boolean, options: SniffOptions = {}): Sniffed => {
  const format = options.format ?? formatOf(sample)
  return format === 'csv' ? sniffCsv(sample, isWhole, options) : sniffJson(sample, isWhole, { format }, options)
}

const formatOf = (sample: Buffer): TableFormat['format'] => {
  const from = sample.findIndex((byte) => byte > 0x20)
  if (from === -1) throw new FileFault('no_columns', 'the file is empty')
  if (/^\[\s*(\{|\]|$)/.test(sample.toString('utf8', from, from + 1000))) return 'json'
  if (sample[from] !== 0x7b) return 'csv'
  const end = new JsonScanner().scan(sample, from, false)
  if (typeof end === 'string') return 'json'
  if (sample.subarray(end).some((byte) => byte > 0x20)) return 'ndjson'
  return /^\{\s*"[^"\\]*"\s*:\s*\[\s*[{\]]/.test(sample.toString('utf8', from, end)) ||
    hasList(sample.subarray(from, end))
    ? 'json'
    : 'ndjson'
}

// One object alone is a row, unless rows stand in it.
const hasList = (text: Buffer): boolean => {
  try {
    const isList = (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(isObject)
    return Object.values(JSON.parse(text.toString()) as object).some(isList)
  } catch {
    return false
  }
}
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

const sniffJson = (
  sample: Buffer,
  isWhole: boolean,
  format: { format: 'json' | 'ndjson' },
  { dotted = false }: SniffOptions,
): Sniffed => {
  const window = new TableWindow()
  window.push(sample)
  window.ended = isWhole
  const parser = createParser(format, { dotted, limits: { batchRows: rowsLookedAt } })
  const columns = new Set(parser.take(window).flatMap(({ values }) => Object.keys(values ?? {})))
  return { format, columns: [...columns].slice(0, defaultReadLimits.columns), header: true }
}

const sniffCsv = (sample: Buffer, isWhole: boolean, options: SniffOptions): Sniffed => {
  const newline = sample.includes(0x0a) || !sample.includes(0x0d) ? '\n' : '\r'
  const declared = /^sep=(.)\r?[\n\r]/.exec(sample.toString('latin1', 0, 10))?.[1]
  const from = declared === undefined ? 0 : sample.indexOf(newline) + 1
  const quote = options.quote ?? quoteOf(sample.toString('latin1', from, from + 10_000))
  const read = (delimiter: string) => firstRows(sample.subarray(from), isWhole, { delimiter, quote, newline })
  const delimiter = options.delimiter ?? declared ?? bestOf(read)
  const rows = read(delimiter)
  const [first] = rows
  if (first === undefined)
    throw isWhole
      ? new FileFault('no_columns', 'the file has no rows')
      : new FileFault('row_too_long', 'the first row is longer than what a header may be', { row: 1 })
  const header = options.header ?? looksLikeHeader(first, rows.slice(1))
  const columns = headerOf(first, header, options.mostColumns ?? defaultReadLimits.columns)
  const skipRows = (declared === undefined ? 0 : 1) + (header ? 1 : 0)
  return { format: { format: 'csv', delimiter, quote, newline, skipRows, columns }, columns, header }
}

const quoteOf = (text: string): CsvFormat['quote'] =>
  !text.includes('"') && (text.match(/(?<=^|[,;\t|\n])'[^'\n]*'(?=[,;\t|\r\n])/g) ?? []).length > 1 ? "'" : '"'

type Style = Pick<CsvFormat, 'delimiter' | 'quote' | 'newline'>

// Complete rows alone, without those that are blank.
const firstRows = (sample: Buffer, isWhole: boolean, style: Style): string[][] => {
  const rows: string[][] = []
  const marks = csvBytes(style)
  for (let at = 0; at < sample.length && rows.length < rowsLookedAt; ) {
    const row = readCells(sample, at, isWhole, marks)
    if ('isInQuotes' in row) break
    const { cells, end } = row
    if (cells && !(cells.length === 1 && cells[0]?.trim() === '')) rows.push(cells)
    at = end + 1
  }
  return rows
}

// The delimiter that cuts most rows into the same number of cells; of two, the one that makes more cells.
const bestOf = (read: (delimiter: string) => string[][]): string => {
  let best = { delimiter: ',', score: 0 }
  for (const delimiter of delimiters) {
    const rows = read(delimiter)
    const width = rows[0]?.length ?? 0
    if (width < 2) continue
    const same = rows.filter(({ length }) => length === width).length / rows.length
    const score = same + Math.min(width, 100) / 1000
    if (score > best.score) best = { delimiter, score }
  }
  return best.delimiter
}
