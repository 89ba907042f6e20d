import { ByteWindow } from './byte-window.ts'
import { type CsvOptions, detectCsv } from './csv-detection.ts'
import { JsonScanner } from './json-scanner.ts'
import { createParser } from './reader.ts'
import { defaultReadLimits, FileError, type TableFormat } from './row.ts'

/** The declaration of the uploader. Absent properties are detected. */
export type DetectOptions = CsvOptions & {
  format?: TableFormat['format'] | undefined
  /** Whether nested JSON objects become dotted keys, as in `readRows`. */
  dotted?: boolean
}

/**
 * The format of a table and its columns; for JSON, the keys of the first rows. `titles` are the rows above the table of a CSV file,
 * which are left out.
 */
export type DetectedTable = { format: TableFormat; columns: string[]; header: boolean; titles: string[] }

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
  return { format, columns: [...columns].slice(0, defaultReadLimits.columns), header: true, titles: [] }
}
