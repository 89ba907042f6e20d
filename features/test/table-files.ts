import { sniffTable } from '../src/tables/format-detection.ts'
import { type ReadOptions, readRows } from '../src/tables/reader.ts'
import { FileFault, type Row, type TableFormat } from '../src/tables/row.ts'

/** The bytes in chunks of the sizes given, in turn. */
export async function* inChunks(bytes: Uint8Array, sizes: readonly number[] = [1 << 16]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] as number
    yield bytes.subarray(at, at + size)
    at += size
  }
}

export const collect = async (source: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

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

/** The rows of a text whose format is found out. */
export const rowsOf = async (text: string, options: ReadOptions = {}): Promise<Row[]> => {
  const bytes = Buffer.from(text)
  return readAll(bytes, sniffTable(bytes, true).format, options)
}

export const valuesOf = async (text: string, options: ReadOptions = {}) =>
  (await rowsOf(text, options)).map(({ number, values, fault }) =>
    fault ? [number, fault.code] : [number, { ...values }],
  )

/** The fault that ends a file; an error where there is none. */
export const faultOf = async (work: () => unknown): Promise<FileFault> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof FileFault) return error
    throw error
  }
  throw new Error('the file was read to its end')
}

/** The same bytes again and again, `total` of them; `made` counts what was taken. */
export const endless = (piece: Buffer, total: number) => {
  const state = { made: 0 }
  async function* stream(): AsyncGenerator<Buffer> {
    for (; state.made < total; state.made += piece.length) yield piece
  }
  return { stream, state }
}
