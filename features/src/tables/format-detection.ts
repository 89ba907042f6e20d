import { ByteWindow } from './byte-window.ts'
import { csvSyntaxOf, readCells } from './csv-cells.ts'
import { columnNames, looksLikeHeader } from './header.ts'
import { JsonScanner } from './json-scanner.ts'
import { createParser } from './reader.ts'
import { type CsvFormat, defaultReadLimits, FileError, type TableFormat } from './row.ts'

/** The declaration of the uploader. Absent properties are detected. */
export type DetectOptions = {
  format?: TableFormat['format'] | undefined
  delimiter?: string | undefined
  quote?: '"' | "'" | undefined
  header?: boolean | undefined
  /** Whether nested JSON objects become dotted keys, as in `readRows`. */
  dotted?: boolean
  maxColumns?: number
  /** Whether a cell is a known name of a column. A first row with one is a header, whatever its other cells are. */
  isKnownName?: (name: string) => boolean
}

/** The format of a table and its columns; for JSON, the keys of the first rows. */
export type DetectedTable = { format: TableFormat; columns: string[]; header: boolean }

const delimiters = [',', ';', '\t', '|']
const sampleRows = 100

/**
 * Detects the format and the columns of a table from its first bytes.
 * @param sample UTF-8, as `decodeText` returns it; 64 KiB are enough
 * @param isWhole whether `sample` is the whole file
 * @throws FileError if it is not a table
 */
export const detectTable = (sample: Buffer, isWhole: boolean, options: DetectOptions = {}): DetectedTable => {
  const format = options.format ?? detectFormat(sample)
  return format === 'csv' ? detectCsv(sample, isWhole, options) : detectJson(sample, isWhole, { format }, options)
}

const detectFormat = (sample: Buffer): TableFormat['format'] => {
  const from = sample.findIndex((byte) => byte > 0x20)
  if (from === -1) throw new FileError('no_columns', 'the file is empty')
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

// A single object is a row, unless it contains a list of rows.
const hasList = (text: Buffer): boolean => {
  try {
    const isList = (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(isObject)
    return Object.values(JSON.parse(text.toString()) as object).some(isList)
  } catch {
    return false
  }
}
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

const detectJson = (
  sample: Buffer,
  isWhole: boolean,
  format: { format: 'json' | 'ndjson' },
  { dotted = false }: DetectOptions,
): DetectedTable => {
  const window = new ByteWindow()
  window.push(sample)
  window.ended = isWhole
  const parser = createParser(format, { dotted, limits: { batchRows: sampleRows } })
  const columns = new Set(parser.parse(window).flatMap(({ values }) => Object.keys(values ?? {})))
  return { format, columns: [...columns].slice(0, defaultReadLimits.columns), header: true }
}

const detectCsv = (sample: Buffer, isWhole: boolean, options: DetectOptions): DetectedTable => {
  const newline = detectNewline(sample)
  const declared = /^("?)sep=(.)\1\r?[\n\r]/i.exec(sample.toString('latin1', 0, 12))?.[2]
  const from = declared === undefined ? 0 : sample.indexOf(newline) + 1
  const quote = options.quote ?? detectQuote(sample.toString('latin1', from, from + 10_000))
  const read = (delimiter: string) => firstRows(sample.subarray(from), isWhole, { delimiter, quote, newline })
  const delimiter = options.delimiter ?? declared ?? bestDelimiter(read)
  const rows = read(delimiter).filter((cells) => cells !== undefined)
  const [first] = rows
  if (first === undefined)
    throw isWhole
      ? new FileError('no_columns', 'the file has no rows')
      : new FileError('row_too_long', 'the first row of the file is too long for a header', { row: 1 })
  const header = options.header ?? looksLikeHeader(first, rows.slice(1), options.isKnownName)
  const columns = columnNames(first, header, options.maxColumns ?? defaultReadLimits.columns)
  const blankRows = blankRowsAtTop(sample.toString('latin1', from, from + 10_000), { delimiter, newline })
  const format: CsvFormat = {
    format: 'csv',
    delimiter,
    quote,
    newline,
    skipRows: blankRows + (header ? 1 : 0),
    columns,
  }
  return { format: declared === undefined ? format : { ...format, hasSepLine: true }, columns, header }
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

const blankRowsAtTop = (text: string, { delimiter, newline }: Pick<Style, 'delimiter' | 'newline'>): number =>
  Math.max(
    text.split(newline).findIndex((line) => line.replaceAll(delimiter, '').trim() !== ''),
    0,
  )

/** Reads the complete rows of the sample that are not blank. A row with text after a closing quote is undefined. */
const firstRows = (sample: Buffer, isWhole: boolean, style: Style): (string[] | undefined)[] => {
  const rows: (string[] | undefined)[] = []
  const syntax = csvSyntaxOf(style)
  for (let at = 0; at < sample.length && rows.length < sampleRows; ) {
    const row = readCells(sample, at, isWhole, syntax)
    if ('isInQuotes' in row) break
    const { cells, end } = row
    if (!cells?.every((cell) => cell.trim() === '')) rows.push(cells)
    at = end + 1
  }
  return rows
}

/**
 * Returns the delimiter that splits most rows into the same number of cells or, if two are equal, the one with more cells. One
 * that splits a quoted cell of the first row is only chosen if there is no other.
 */
const bestDelimiter = (read: (delimiter: string) => (string[] | undefined)[]): string => {
  let best = { delimiter: ',', score: -1 }
  for (const delimiter of delimiters) {
    const rows = read(delimiter)
    const width = rows.find((cells) => cells !== undefined)?.length ?? 0
    if (width < 2) continue
    const same = rows.filter((cells) => cells?.length === width).length / rows.length
    const score = same + Math.min(width, 100) / 1000 - (rows[0] === undefined ? 1 : 0)
    if (score > best.score) best = { delimiter, score }
  }
  return best.delimiter
}
