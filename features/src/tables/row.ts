/** Where reading can go on: a byte of the decoded (UTF-8) text and the number of the row that ends there. JSON-safe. */
export type ReadPosition = { byte: number; row: number; within?: 'array' | 'member' }

/** Why one row could not be read; the rows after it can. */
type RowFault = { code: RowFaultCode; message: string }
export type RowFaultCode =
  | 'row_too_long'
  | 'cell_too_long'
  | 'column_count'
  | 'bad_quote'
  | 'nul_character'
  | 'lone_surrogate'
  | 'invalid_json'
  | 'not_an_object'
  | 'too_deep'
  | 'too_many_columns'
  | 'duplicate_key'

/**
 * One row as it stands in the file, `values` by column or key: texts in CSV, any JSON value otherwise. `number` counts as a
 * spreadsheet does: the header is row 1 and blank lines count; in a JSON array it is the place of the element, from 1.
 * `raw` is the beginning of a row that could not be read.
 */
export type Row = { number: number; end: ReadPosition } & (
  | { values: Record<string, unknown>; fault?: undefined }
  | { fault: RowFault; raw: string; values?: undefined }
)

export type FileFaultCode =
  | 'wrong_encoding'
  | 'unknown_charset'
  | 'too_large'
  | 'bad_gzip'
  | 'unknown_format'
  | 'no_columns'
  | 'too_many_columns'
  | 'duplicate_header'
  | 'row_too_long'
  | 'unclosed_quote'
  | 'invalid_json'
  | 'unexpected_end'

/** What ends the reading of a file. `row` is the row where it stopped, `byte` the place in the file as it was sent. */
export class FileFault extends Error {
  override name = 'FileFault'
  readonly code: FileFaultCode
  readonly place: { row?: number; byte?: number }

  constructor(code: FileFaultCode, message: string, place: { row?: number; byte?: number } = {}) {
    super(message)
    this.code = code
    this.place = place
  }
}

/** Limits of one file; sizes are in bytes of UTF-8. */
export type ReadLimits = {
  /** A longer row is a fault of that row. Default 1 MiB. */
  rowBytes: number
  /** What is read past a row that is too long to find its end, before the file is given up. Default 16 MiB. */
  skipBytes: number
  /** Characters of one cell. Default 100,000. */
  cellLength: number
  /** Columns of a file, and keys of an object. Default 500. */
  columns: number
  /** Rows handed over together. Default 500. */
  batchRows: number
  /** Bytes that are read before they are parsed. Default 128 KiB. */
  blockBytes: number
}

export const defaultReadLimits: ReadLimits = {
  rowBytes: 1 << 20,
  skipBytes: 16 << 20,
  cellLength: 100_000,
  columns: 500,
  batchRows: 500,
  blockBytes: 128 << 10,
}

/** How a delimited text is written. `skipRows` are those before the first one with data: a `sep=` line and the header. */
export type CsvFormat = {
  format: 'csv'
  delimiter: string
  quote: '"' | "'"
  newline: '\n' | '\r'
  skipRows: number
  columns: string[]
}
/** An array of objects, or an object with one such array. */
type JsonFormat = { format: 'json' }
/** An object on each line. */
type NdjsonFormat = { format: 'ndjson' }
export type TableFormat = CsvFormat | JsonFormat | NdjsonFormat

const rawLength = 500

/** A row that could not be read. */
export const faultyRow = (
  end: ReadPosition,
  code: RowFaultCode,
  message: string,
  raw: Buffer = Buffer.alloc(0),
): Row => ({
  number: end.row,
  fault: { code, message },
  raw: raw.toString('utf8', 0, Math.min(raw.length, rawLength)).replaceAll('\0', '\uFFFD'),
  end,
})

/** An object without a prototype, so that a column called `__proto__` is a column; faster than `Object.create(null)`. */
export class EmptyValues {
  [column: string]: unknown
}
Reflect.deleteProperty(EmptyValues.prototype, 'constructor')
Object.setPrototypeOf(EmptyValues.prototype, null)
