import { detectTable } from '../src/tables/format-detection.ts'
import { type ReadOptions, readRows } from '../src/tables/reader.ts'
import { FileError, type Row, type TableFormat } from '../src/tables/row.ts'

/** Yields the bytes in chunks of the given sizes, in turn. */
export async function* inChunks(bytes: Uint8Array, sizes: readonly number[] = [1 << 16]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] as number
    yield bytes.subarray(at, at + size)
    at += size
  }
}

/** Reads a stream to its end. */
export const collect = async (source: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Reads all rows of a file, whose bytes arrive in chunks of the given sizes. */
export const readAll = async (
  bytes: Uint8Array,
  format: TableFormat,
  { sizes, ...options }: ReadOptions & { sizes?: readonly number[] } = {},
): Promise<Row[]> => {
  const rows: Row[] = []
  for await (const batch of readRows(inChunks(bytes.subarray(options.from?.byte ?? 0), sizes), format, options))
    rows.push(...batch)
  return rows
}

/** Reads the rows of a text whose format is detected. */
export const readText = async (text: string, options: ReadOptions = {}): Promise<Row[]> => {
  const bytes = Buffer.from(text)
  return readAll(bytes, detectTable(bytes, true).format, options)
}

/** Returns the number and the values of each row, or its error code. */
export const valuesOf = async (text: string, options: ReadOptions = {}) =>
  (await readText(text, options)).map(({ number, values, error }) =>
    error ? [number, error.code] : [number, { ...values }],
  )

/** Returns the FileError that `work` throws; fails if it throws none. */
export const fileErrorOf = async (work: () => unknown): Promise<FileError> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof FileError) return error
    throw error
  }
  throw new Error('the file was read to its end')
}

/** Creates a stream that repeats `piece` up to `total` bytes. `state.bytesRead` counts the bytes that were read. */
export const repeatPiece = (piece: Buffer, total: number) => {
  const state = { bytesRead: 0 }
  async function* stream(): AsyncGenerator<Buffer> {
    for (; state.bytesRead < total; state.bytesRead += piece.length) yield piece
  }
  return { stream, state }
}
