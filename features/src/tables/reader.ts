import { inBlocks, TableWindow } from './byte-window.ts'
import { CsvParser } from './csv-parser.ts'
import { JsonParser } from './json-parser.ts'
import { NdjsonParser } from './ndjson-parser.ts'
import { defaultReadLimits, type ReadLimits, type ReadPosition, type Row, type TableFormat } from './row.ts'

/** `dotted` makes `address.street` of a JSON object within `address`. `from` is the `end` of the last row that was read. */
export type ReadOptions = { limits?: Partial<ReadLimits>; dotted?: boolean; from?: ReadPosition | undefined }

type Parser = { done: boolean; take(window: TableWindow): Row[] }

/** A parser of the format that goes on at `from`. */
export const createParser = (format: TableFormat, { limits, dotted = false, from }: ReadOptions = {}): Parser => {
  const all = { ...defaultReadLimits, ...limits }
  if (format.format === 'csv') return new CsvParser(format, all, from)
  return format.format === 'json'
    ? new JsonParser({ dotted, limits: all }, from)
    : new NdjsonParser({ dotted, limits: all }, from)
}

/**
 * Reads a table in batches of rows, in memory of a few rows' size however long the file is. To go on after a row, open the
 * source at `from.byte` and give its `end` as `from`: no row comes twice and none is lost.
 * @param source UTF-8 without a byte order mark, as `decodeText` gives it, from byte `from.byte`
 * @throws FileFault where nothing certain can be read any more
 */
export async function* readRows(
  source: AsyncIterable<Uint8Array>,
  format: TableFormat,
  options: ReadOptions = {},
): AsyncGenerator<Row[], void, undefined> {
  const parser = createParser(format, options)
  const window = new TableWindow(options.from?.byte)
  const blockBytes = options.limits?.blockBytes ?? defaultReadLimits.blockBytes
  const drain = function* (): Generator<Row[]> {
    for (let rows = parser.take(window); rows.length > 0; rows = parser.take(window)) yield rows
  }
  for await (const block of inBlocks(source, blockBytes)) {
    window.push(block)
    yield* drain()
  }
  window.ended = true
  yield* drain()
}
