import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { suggestMapping } from '../src/imports/suggest-mapping.ts'
import { cellText, listOf } from '../src/tables/cell.ts'
import { escapeFormula, unescapeFormula } from '../src/tables/formula-escaping.ts'
import { tableEncoder, writeTable } from '../src/tables/writer.ts'
import { collect } from './table-files.ts'

async function* batches(...all: Record<string, unknown>[][]) {
  yield* all
}
const columns = ['name', 'phone', 'tags']
const ana = { name: 'Ana "A", B', phone: '+254711000111', tags: ['a', 'b'] }
const bo = { name: null, phone: '', tags: [] }

describe('a table is written', () => {
  it.each([
    ['csv', 'name,phone,tags\r\n"Ana ""A"", B",\'+254711000111,a;b\r\n,,\r\n'],
    ['ndjson', `${JSON.stringify(ana)}\n${JSON.stringify(bo)}\n`],
    ['json', `[\n${JSON.stringify(ana)},\n${JSON.stringify(bo)}\n]\n`],
  ] as const)('as %s, with the number of its rows and its SHA-256, compressed or not', async (format, expected) => {
    const plain = writeTable(batches([ana], [], [bo]), { format, columns })
    const bytes = await collect(plain.chunks)
    expect(bytes.toString()).toBe(expected)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    expect(plain.summary()).toEqual({ rows: 2, bytes: bytes.length, sha256 })
    const zipped = writeTable(batches([ana, bo]), { format, columns, gzip: true })
    const packed = await collect(zipped.chunks)
    expect(gunzipSync(packed).toString()).toBe(expected)
    expect(zipped.summary().sha256).toBe(createHash('sha256').update(packed).digest('hex'))
  })

  it.each([
    ['csv', 'name,phone,tags\r\n'],
    ['json', '[\n]\n'],
    ['ndjson', ''],
  ] as const)('without rows as %s', async (format, expected) => {
    expect((await collect(writeTable(batches(), { format, columns }).chunks)).toString()).toBe(expected)
  })

  it('says how it ended only when it has ended', () => {
    expect(() => writeTable(batches(), { format: 'csv', columns }).summary()).toThrow('not written yet')
  })

  it('can be written in parts, for a spreadsheet with a mark and semicolons', () => {
    const { head, rows, tail } = tableEncoder({ format: 'csv', columns: ['a', 'b'], delimiter: ';', bom: true })
    const text = head + rows([{ a: '1;2', b: 'x,y' }], true) + rows([{ a: 3, b: true }], false) + tail
    expect(text).toBe('\uFEFFa;b\r\n"1;2";"x,y"\r\n3;true\r\n')
  })
})

describe('a formula', () => {
  it.each(['=1+1', '+254711000111', '-1+1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', "'=1", '＝1', '-', '=-5'])(
    '%j gets an apostrophe, which is taken away when it is read',
    (text) => {
      expect(escapeFormula(text)).toBe(`'${text}`)
      expect(unescapeFormula(escapeFormula(text))).toBe(text)
    },
  )

  it.each(['-5', '-5.25', "O'Brien", "'quoted'", '1+1', ''])('%j is none', (text) => {
    expect(escapeFormula(text)).toBe(text)
    expect(unescapeFormula(text)).toBe(text)
  })

  it('comes back as it was, whatever it is', () => {
    const parts = fc.array(fc.constantFrom("'", '=', '+', '-', '@', '\t', '5', '.', 'a', '＝'), { maxLength: 6 })
    fc.assert(fc.property(parts, (some) => unescapeFormula(escapeFormula(some.join(''))) === some.join('')))
  })
})

describe('a cell', () => {
  it.each([
    [['a', 'b'], 'a;b'],
    [['a;b', 'c'], '["a;b","c"]'],
    [['[x'], '["[x"]'],
    [[], ''],
  ])('holds the list %j as %s', (list, cell) => {
    expect(cellText(list)).toBe(cell)
    expect(listOf(cell)).toEqual(list)
  })

  it('of other values is readable text', () => {
    expect([null, undefined, true, 5, { a: 1 }, new Date(0)].map(cellText)).toEqual([
      '',
      '',
      'true',
      '5',
      '{"a":1}',
      '1970-01-01T00:00:00.000Z',
    ])
    expect(listOf('[not json ; b')).toEqual(['[not json', 'b'])
  })
})

describe('a mapping', () => {
  it('is suggested from names in any spelling, each field once', () => {
    const fields = {
      name: ['first name', 'Vorname'],
      surname: ['last name'],
      phone: ['telephone', 'mobile'],
      'address.city': ['Ort'],
    }
    expect(
      suggestMapping(['First-Name', 'LAST_NAME', 'Téléphone', 'Telephone', 'Phone', 'address_city', 'shoe'], fields),
    ).toEqual({
      'First-Name': 'name',
      LAST_NAME: 'surname',
      Phone: 'phone',
      address_city: 'address.city',
    })
    expect(suggestMapping(['Vorname', 'name', '__proto__'], fields)).toEqual({ name: 'name' })
  })
})
