import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { Formulas } from '@clientele/contracts/export'
import { cellText } from './cell.ts'
import { type WorkbookOptions, workbookType, writeWorkbook } from './workbook/workbook-writer.ts'

/**
 * `columns` are the keys to write, in order; JSON writes whole rows. `bom` writes a byte order mark, for Excel. `formulas` says whether
 * formulas in CSV are escaped, which is the default.
 */
type TextOptions = {
  format: 'csv' | 'json' | 'ndjson'
  columns: readonly string[]
  delimiter?: string
  bom?: boolean
  formulas?: Formulas
}
export type WriteOptions = TextOptions | (WorkbookOptions & { format: 'xlsx' })

type Values = Record<string, unknown>

/** Encodes a table as text: `head`, then the results of `rows` (`isFirst` is true in the first call), then `tail`. */
export type TableEncoder = {
  contentType: string
  head: string
  rows(rows: readonly Values[], isFirst: boolean): string
  tail: string
}

/** Formats a cell of CSV. Every text is quoted, so that a spreadsheet with another delimiter does not split it. */
const csvCell = (value: unknown, formulas?: Formulas): string => {
  const text = cellText(value, formulas)
  const isPlain = text === '' || typeof value === 'number' || typeof value === 'boolean' || value instanceof Date
  return isPlain ? text : `"${text.replaceAll('"', '""')}"`
}

/** Creates an encoder for CSV (RFC 4180), a JSON array with one row per line, or NDJSON. */
export const createTableEncoder = ({
  format,
  columns,
  delimiter = ',',
  bom = false,
  formulas,
}: TextOptions): TableEncoder => {
  if (format === 'ndjson')
    return { contentType: 'application/x-ndjson', head: '', rows: (rows) => rows.map(jsonLine).join(''), tail: '' }
  if (format === 'json')
    return {
      contentType: 'application/json',
      head: '[',
      rows: (rows, isFirst) =>
        rows.map((row, at) => `${isFirst && at === 0 ? '' : ','}\n${JSON.stringify(row)}`).join(''),
      tail: '\n]\n',
    }
  const line = (cells: string[]): string =>
    `${cells.length === 1 && cells[0] === '' ? '""' : cells.join(delimiter)}\r\n`
  return {
    contentType: 'text/csv; charset=utf-8; header=present',
    head: (bom ? '\uFEFF' : '') + line(columns.map((column) => csvCell(column, formulas))),
    rows: (rows) => rows.map((row) => line(columns.map((column) => csvCell(row[column], formulas)))).join(''),
    tail: '',
  }
}

const jsonLine = (row: Values): string => `${JSON.stringify(row)}\n`

/** The media type of a table. */
export const contentTypeOf = (options: WriteOptions): string =>
  options.format === 'xlsx' ? workbookType : createTableEncoder(options).contentType

/** Encodes a table as text. */
async function* textChunks(batches: AsyncIterable<readonly Values[]>, options: TextOptions): AsyncGenerator<Buffer> {
  const { head, rows, tail } = createTableEncoder(options)
  let isFirst = true
  yield Buffer.from(head)
  for await (const batch of batches) {
    if (batch.length === 0) continue
    yield Buffer.from(rows(batch, isFirst))
    isFirst = false
  }
  yield Buffer.from(tail)
}

/** `bytes` and `sha256` (hexadecimal) are those of the file after compression. */
export type TableSummary = { rows: number; bytes: number; sha256: string }

/**
 * Encodes a table batch by batch, while it is read.
 * @returns the file in `chunks`; `summary()` must only be called after the last chunk
 */
export const writeTable = (
  batches: AsyncIterable<readonly Values[]>,
  { gzip = false, ...options }: WriteOptions & { gzip?: boolean },
): { chunks: AsyncGenerator<Buffer>; summary(): TableSummary } => {
  const hash = createHash('sha256')
  let rows = 0
  let bytes = 0
  let sha256: string | undefined
  async function* counted(): AsyncGenerator<readonly Values[]> {
    for await (const batch of batches) {
      rows += batch.length
      yield batch
    }
  }
  async function* chunks(): AsyncGenerator<Buffer> {
    const plain = options.format === 'xlsx' ? writeWorkbook(counted(), options) : textChunks(counted(), options)
    for await (const chunk of gzip ? gzipChunks(plain) : plain) {
      if (chunk.length === 0) continue
      hash.update(chunk)
      bytes += chunk.length
      yield chunk
    }
    sha256 = hash.digest('hex')
  }
  return {
    chunks: chunks(),
    summary: () => {
      if (sha256 === undefined) throw new Error('the table is not written yet')
      return { rows, bytes, sha256 }
    },
  }
}

async function* gzipChunks(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const input = Readable.from(source, { objectMode: false })
  const zip = createGzip({ chunkSize: 64 << 10 })
  input.on('error', (error) => zip.destroy(error))
  try {
    yield* input.pipe(zip) as AsyncIterable<Buffer>
  } finally {
    zip.destroy()
    input.destroy()
  }
}
