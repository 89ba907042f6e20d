import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { cellText } from './cell.ts'
import { escapeFormula } from './formula-escaping.ts'

/** `columns` are keys of the rows, in the order of writing; JSON writes rows as they are. `bom` is for Excel. */
export type WriteOptions = {
  format: 'csv' | 'json' | 'ndjson'
  columns: readonly string[]
  delimiter?: string
  bom?: boolean
}

type Values = Record<string, unknown>

/** Makes text of rows; `rows` may be called often, `isFirst` for the first rows of a file. */
export type TableEncoder = {
  contentType: string
  head: string
  rows(rows: readonly Values[], isFirst: boolean): string
  tail: string
}

const special = /[",\r\n]/

/** Writes CSV (RFC 4180, formulas escaped), a JSON array with a row on each line, or NDJSON. */
export const tableEncoder = ({ format, columns, delimiter = ',', bom = false }: WriteOptions): TableEncoder => {
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
  const cell = (value: unknown): string => {
    // A number cannot be a formula, and stays one.
    const text = typeof value === 'number' ? String(value) : escapeFormula(cellText(value))
    return special.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text
  }
  const line = (cells: string[]): string =>
    `${cells.length === 1 && cells[0] === '' ? '""' : cells.join(delimiter)}\r\n`
  return {
    contentType: 'text/csv; charset=utf-8; header=present',
    head: (bom ? '\uFEFF' : '') + line(columns.map(cell)),
    rows: (rows) => rows.map((row) => line(columns.map((column) => cell(row[column])))).join(''),
    tail: '',
  }
}

const jsonLine = (row: Values): string => `${JSON.stringify(row)}\n`

/** What was written; `bytes` and `sha256` (hexadecimal) are those of the file as it is sent, so of the compressed one. */
export type TableSummary = { rows: number; bytes: number; sha256: string }

/**
 * Writes a table as it is read, batch by batch.
 * @returns `summary()` is known once `chunks` have been read to their end
 */
export const writeTable = (
  batches: AsyncIterable<readonly Values[]>,
  { gzip = false, ...options }: WriteOptions & { gzip?: boolean },
): { chunks: AsyncGenerator<Buffer>; summary(): TableSummary } => {
  const { head, rows: rowsOf, tail } = tableEncoder(options)
  const hash = createHash('sha256')
  let rows = 0
  let bytes = 0
  let sha256: string | undefined
  async function* text(): AsyncGenerator<Buffer> {
    yield Buffer.from(head)
    for await (const batch of batches) {
      if (batch.length === 0) continue
      yield Buffer.from(rowsOf(batch, rows === 0))
      rows += batch.length
    }
    yield Buffer.from(tail)
  }
  async function* chunks(): AsyncGenerator<Buffer> {
    for await (const chunk of gzip ? compressed(text()) : text()) {
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

async function* compressed(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
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
