import { readRows } from '../src/tables/reader.ts'
import type { Row, TableFormat } from '../src/tables/row.ts'
import { fileErrorOf, repeatPiece } from './table-files.ts'

const csv: TableFormat = { format: 'csv', delimiter: ',', quote: '"', newline: '\n', skipRows: 1, columns: ['a', 'b'] }
const json: TableFormat = { format: 'json' }
const ndjson: TableFormat = { format: 'ndjson' }
const tenGigabytes = 10 * 2 ** 30

async function* surround(head: string, stream: () => AsyncIterable<Buffer>, tail = ''): AsyncGenerator<Buffer> {
  yield Buffer.from(head)
  yield* stream()
  yield Buffer.from(tail)
}

const readAll = async (source: AsyncIterable<Buffer>, format: TableFormat): Promise<Row[]> => {
  const rows: Row[] = []
  for await (const batch of readRows(source, format)) rows.push(...batch)
  return rows
}

describe('Hostile files', () => {
  it.each([
    ['one line', csv, 'a,b\n', 'x', 'row_too_long'],
    ['one line of nothing but delimiters', csv, 'a,b\n', ',', 'row_too_long'],
    ['one header', csv, '', 'x', 'row_too_long'],
    ['a quote that never closes', csv, 'a,b\n"', 'x,1\n', 'unclosed_quote'],
    ['nothing but quotes', csv, 'a,b\n', '"', 'unclosed_quote'],
    ['a text in JSON', json, '[{"a":"', 'x', 'row_too_long'],
    ['brackets', json, '', '[', 'row_too_long'],
    ['brackets of objects', json, '[', '{"a":', 'row_too_long'],
    ['a key', json, '{"', 'x', 'row_too_long'],
    ['one line of JSON', ndjson, '{"a":"', 'x', 'row_too_long'],
    ['one line of brackets', ndjson, '', '[', 'row_too_long'],
  ])(
    'reading a file of 10 GB that is %s fails early, without keeping it in memory',
    async (_what, format, head, piece, code) => {
      const { stream, state } = repeatPiece(Buffer.from(piece.repeat((1 << 16) / piece.length)), tenGigabytes)
      global.gc?.()
      const before = process.memoryUsage.rss()
      expect((await fileErrorOf(() => readAll(surround(head, stream), format))).code).toBe(code)
      expect(state.bytesRead).toBeLessThan(32 << 20)
      expect(process.memoryUsage.rss() - before).toBeLessThan(100 << 20)
    },
  )

  it.each([
    ['CSV', csv, 'a,b\n1,', '\n3,4\n', 3],
    ['JSON', json, '[{"a":"', '"},{"a":1}]', 2],
    ['NDJSON', ndjson, '{"a":"', '"}\n{"a":1}\n', 2],
  ])('the row after a row of 8 MiB is read in %s', async (_what, format, head, tail, next) => {
    const { stream } = repeatPiece(Buffer.alloc(1 << 16, 'x'), 8 << 20)
    const rows = await readAll(surround(head, stream, tail), format)
    expect(rows.map(({ number, error }) => [number, error?.code])).toEqual([
      [next - 1, 'row_too_long'],
      [next, undefined],
    ])
  })

  it('a file of a million blank lines has no rows', async () => {
    const { stream } = repeatPiece(Buffer.from('\n'.repeat(1 << 16)), 1 << 20)
    for (const format of [csv, ndjson]) expect(await readAll(stream(), format)).toEqual([])
  })
})
