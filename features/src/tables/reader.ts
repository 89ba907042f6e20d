import { ByteWindow, toBlocks } from './byte-window.ts'
import { CsvParser } from './csv-parser.ts'
import { JsonParser } from './json-parser.ts'
import { NdjsonParser } from './ndjson-parser.ts'
import { defaultReadLimits, type ReadLimits, type ReadPosition, type Row, type TableFormat } from './row.ts'

/**
 * With `dotted`, nested JSON objects become dotted keys such as `address.street`. `from` is the `end` of the row to continue after.
 */
export type ReadOptions = { limits?: Partial<ReadLimits>; dotted?: boolean; from?: ReadPosition | undefined }

type Parser = { done: boolean; parse(window: ByteWindow): Row[] }

/** Creates a parser of a format. */
export const createParser = (format: TableFormat, { limits, dotted = false, from }: ReadOptions = {}): Parser => {
  const all = { ...defaultReadLimits, ...limits }
  if (format.format === 'csv') return new CsvParser(format, all, from)
  return format.format === 'json'
    ? new JsonParser({ dotted, limits: all }, from)
    : new NdjsonParser({ dotted, limits: all }, from)
}

/**
 * Reads a table in batches of rows, with bounded memory. To continue after a row, pass its `end` as `from`, and a `source` that
 * begins at byte `from.byte`. No row is then repeated or lost.
 * @param source UTF-8 without a byte order mark, as `decodeText` returns it
 * @throws FileError if the rest of the file cannot be read
 */
export async function* readRows(
  source: AsyncIterable<Uint8Array>,
  format: TableFormat,
  options: ReadOptions = {},
): AsyncGenerator<Row[], void, undefined> {
  const parser = createParser(format, options)
  const window = new ByteWindow(options.from?.byte)
  const blockBytes = options.limits?.blockBytes ?? defaultReadLimits.blockBytes
  const parseWindow = function* (): Generator<Row[]> {
    for (let rows = parser.parse(window); rows.length > 0; rows = parser.parse(window)) yield rows
  }
  const end = format.format === 'csv' ? format.end : undefined
  const table = end === undefined ? source : limitTo(source, end - (options.from?.byte ?? 0))
  for await (const block of toBlocks(table, blockBytes)) {
    window.push(block)
    yield* parseWindow()
  }
  window.ended = true
  yield* parseWindow()
}

/** Yields the first `bytes` bytes. */
async function* limitTo(source: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes
  for await (const chunk of source) {
    if (left <= 0) return
    yield chunk.subarray(0, left)
    left -= chunk.length
  }
}
