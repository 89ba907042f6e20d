import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { parseListCell } from '../src/tables/cell.ts'
import { CellTooLong } from '../src/tables/workbook/sheet-xml.ts'
import { writeTable } from '../src/tables/writer.ts'
import { collect } from './table-files.ts'
import { readSheetRows, unpack } from './workbook-files.ts'

type Values = Record<string, unknown>
async function* batches(...all: Values[][]) {
  yield* all
}
const write = (
  rows: Values[][],
  options: { columns: string[]; name?: string; numbers?: string[]; cutsLongTexts?: boolean },
) => collect(writeTable(batches(...rows), { format: 'xlsx', ...options }).chunks)
const columns = ['a', 'b']

describe('Writing workbooks', () => {
  it('a table is written as a sheet with a header, with its number of rows and SHA-256', async () => {
    const rows = [[{ a: 'x', b: 5 }], [], [{ a: null, b: true }]]
    const table = writeTable(batches(...rows), { format: 'xlsx', columns, name: 'things' })
    const bytes = await collect(table.chunks)
    expect(await unpack(bytes)).toEqual({
      info: { workbook: { sheet: 'things', sheets: ['things'] } },
      text: '"a","b"\n"x","5"\n,"true"\n',
    })
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    expect(table.summary()).toEqual({ rows: 2, bytes: bytes.length, sha256 })
  })

  it('a table without rows is a sheet with a header', async () => {
    expect((await unpack(await write([], { columns }))).text).toBe('"a","b"\n')
  })

  it('decimal numbers of the columns that have them are numbers with their decimals, other texts stay texts', async () => {
    const rows = [
      [
        { a: '10.50', b: '01067' },
        { a: '7', b: '10.50' },
        { a: '0.1250', b: '' },
        { a: 'free', b: '-1' },
      ],
    ]
    const bytes = await write(rows, { columns, numbers: ['a'] })
    expect(await readSheetRows(bytes)).toEqual([
      { a: '10.50', b: '01067' },
      { a: '7', b: '10.50' },
      { a: '0.1250', b: '' },
      { a: 'free', b: '-1' },
    ])
  })

  it('a text that no cell can hold fails, or is cut', async () => {
    const rows = [[{ a: 'x'.repeat(32_768), b: 'y' }]]
    await expect(write(rows, { columns })).rejects.toThrow(CellTooLong)
    const [row] = await readSheetRows(await write(rows, { columns, cutsLongTexts: true }))
    expect(row).toEqual({ a: 'x'.repeat(32_767), b: 'y' })
  })

  it('an error of the source fails, and ends the source when the reader stops', async () => {
    async function* failing(): AsyncGenerator<Values[]> {
      yield [{ a: 'x' }]
      throw new Error('the source failed')
    }
    await expect(collect(writeTable(failing(), { format: 'xlsx', columns }).chunks)).rejects.toThrow(
      'the source failed',
    )
    let ended = false
    async function* endless(): AsyncGenerator<Values[]> {
      try {
        for (;;) yield [{ a: Math.random() }]
      } finally {
        ended = true
      }
    }
    let bytes = 0
    for await (const chunk of writeTable(endless(), { format: 'xlsx', columns }).chunks) {
      bytes += chunk.length
      if (bytes > 100_000) break
    }
    expect(ended).toBe(true)
  })

  it('rows that do not fit in a sheet go into another one', async () => {
    const rows = Array.from({ length: 1_050 }, () => Array.from({ length: 1_000 }, () => ({ a: 1 })))
    const bytes = await write(rows, { columns: ['a'], name: 'things' })
    const first = await unpack(bytes, { maxBytes: 100 << 20 })
    const second = await unpack(bytes, { sheet: 'things 2', maxBytes: 100 << 20 })
    expect(first.info.workbook).toEqual({ sheet: 'things', sheets: ['things', 'things 2'] })
    const count = (text: string) => text.split('\n').length - 2
    expect([count(first.text), count(second.text)]).toEqual([1_048_575, 1_050_000 - 1_048_575])
  }, 60_000)

  it('any texts, lists and objects are read as they were written', async () => {
    const text = fc.oneof(
      fc
        .array(fc.constantFrom(...'=+-@"\' ,;|\t\r\n<>&_x000D_5a[{\\', '＝', 'é', '😀', '\u0001', '\ufffe'), {
          maxLength: 12,
        })
        .map((some) => some.join('')),
      fc.string({ unit: 'grapheme', maxLength: 20 }),
    )
    const row = fc.record({
      text,
      list: fc.array(text, { maxLength: 3 }),
      object: fc.dictionary(text, fc.oneof(text, fc.integer()), { minKeys: 1, maxKeys: 3 }),
      number: fc.integer(),
      flag: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 5 }), async (rows) => {
        const bytes = await write([rows], { columns: ['n', 'text', 'list', 'object', 'number', 'flag'] })
        const read = (await readSheetRows(bytes)) as Record<string, string>[]
        expect(
          read.map(({ text, list = '', object = '', number, flag }) => ({
            text,
            list: parseListCell(list),
            object: JSON.parse(object),
            number: Number(number),
            flag: flag === 'true',
          })),
        ).toEqual(rows.map((written) => ({ ...written, object: JSON.parse(JSON.stringify(written.object)) })))
      }),
    )
  }, 60_000)
})
