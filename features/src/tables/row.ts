/**
 * A position to continue reading from: the offset `byte` in the UTF-8 text, and the number of the row that ends there. In JSON,
 * `within` says whether the list of rows is the whole document (`array`) or a member of an object (`member`). It can be stored
 * as JSON.
 */
export type ReadPosition = { byte: number; row: number; within?: 'array' | 'member' }

/** The error of a row that could not be read. Reading continues with the next row. */
type RowError = { code: RowErrorCode; message: string }
export type RowErrorCode =
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
 * A row of a file. `values` has the values by column or key: strings in CSV, any JSON value otherwise. `number` is the number in a
 * spreadsheet: the header is row 1, and blank lines count. In a JSON array it is the position of the element, from 1. `raw` is the
 * text of a row that could not be read, up to 10,000 bytes.
 */
export type Row = { number: number; end: ReadPosition } & (
  | { values: Record<string, unknown>; error?: undefined; raw?: undefined }
  | { error: RowError; raw: string; values?: undefined }
)

export type FileErrorCode =
  | 'wrong_encoding'
  | 'unknown_charset'
  | 'too_large'
  | 'bad_gzip'
  | 'unknown_format'
  | 'no_columns'
  | 'too_many_columns'
  | 'bad_header'
  | 'row_too_long'
  | 'unclosed_quote'
  | 'invalid_json'
  | 'unexpected_end'
  | 'bad_archive'
  | 'several_tables'
  | 'unknown_sheet'
  | 'too_complex'

type FilePosition = { row?: number; byte?: number; limit?: number }

/**
 * Thrown if the rest of a file cannot be read. `row` is the row at which reading stopped; `byte` is an offset in the uploaded
 * file. `limit` is the size in bytes that the file exceeds, if it is not that of all files.
 */
export class FileError extends Error {
  override name = 'FileError'
  readonly code: FileErrorCode
  readonly position: FilePosition

  constructor(code: FileErrorCode, message: string, position: FilePosition = {}) {
    super(message)
    this.code = code
    this.position = position
  }
}

/** The limits of a file. Sizes in bytes are those of its UTF-8 text. */
export type ReadLimits = {
  /** Maximum length of a row. A longer row is invalid. Default 1 MiB. */
  rowBytes: number
  /**
   * Maximum number of bytes of a too long row that are skipped to find its end. Beyond it, reading the file fails. Default
   * 16 MiB.
   */
  skipBytes: number
  /** Maximum number of characters of a cell. Default 100,000. */
  cellLength: number
  /** Maximum number of columns of a file or keys of an object. Default 500. */
  columns: number
  /** Maximum number of rows of a batch. Default 500. */
  batchRows: number
  /** Number of bytes that are parsed at a time. Default 128 KiB. */
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

/** The sheet of a workbook that was converted to CSV, and the names of all its sheets. */
export type SheetSource = { source: 'xlsx'; sheet: string; sheets: string[] }

/**
 * The format of delimited text. `skipRows` is the number of rows before the data: a report's title and the header. `headerRow` is
 * the number of the header. `hasSepLine` says whether the first line is one such as `sep=;`, which is no row of a spreadsheet. The
 * table ends at the byte `end` if lines follow that are no rows of it. With `source` the text is that of a sheet.
 */
export type CsvFormat = Partial<SheetSource> & {
  format: 'csv'
  delimiter: string
  quote: '"' | "'"
  newline: '\n' | '\r'
  skipRows: number
  headerRow?: number
  end?: number
  hasSepLine?: boolean
  columns: string[]
}
/** A JSON array of objects, or an object with one such array. */
type JsonFormat = { format: 'json' }
/** One JSON object per line. With `source`, the rows are those of vCards. */
type NdjsonFormat = { format: 'ndjson'; source?: 'vcard' }
export type TableFormat = CsvFormat | JsonFormat | NdjsonFormat

const rawLength = 10_000

/** Creates a row that could not be read. */
export const invalidRow = (
  end: ReadPosition,
  code: RowErrorCode,
  message: string,
  raw: Buffer = Buffer.alloc(0),
): Row => ({
  number: end.row,
  error: { code, message },
  raw: raw.toString('utf8', 0, Math.min(raw.length, rawLength)).replaceAll('\0', '\uFFFD').trimEnd(),
  end,
})

/** Creates a row that is too long. `parts` are what to shorten. */
export const tooLongRow = (end: ReadPosition, rowBytes: number, parts: 'cells' | 'values', raw?: Buffer): Row =>
  invalidRow(end, 'row_too_long', `the row is longer than ${rowBytes} bytes; shorten its ${parts}`, raw)

/** Creates the error of a file with a row that is so long that its end was given up. */
export const endlessRow = (row: number, rowBytes: number): FileError =>
  new FileError('row_too_long', `row ${row} of the file is longer than ${rowBytes} bytes and its end was not found`, {
    row,
  })

/** An object without a prototype, so that a column may be called `__proto__`. Faster than `Object.create(null)`. */
export class EmptyValues {
  [column: string]: unknown
}
Reflect.deleteProperty(EmptyValues.prototype, 'constructor')
Object.setPrototypeOf(EmptyValues.prototype, null)
