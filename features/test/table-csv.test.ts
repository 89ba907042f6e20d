import { sniffTable } from '../src/tables/format-detection.ts'
import { faultOf, rowsOf, valuesOf } from './table-files.ts'

describe('CSV is read', () => {
  it('numbers rows as a spreadsheet does: the header is row 1, a blank line counts', async () => {
    expect(await valuesOf('name,email\r\nAna,a@x.com\r\n\r\nBo,b@x.com')).toEqual([
      [2, { name: 'Ana', email: 'a@x.com' }],
      [4, { name: 'Bo', email: 'b@x.com' }],
    ])
  })

  it('takes quotes, delimiters and line breaks within quotes', async () => {
    expect(await valuesOf('a,b,c\n"x ""y""","1,2","line\r\nbreak"\n,"",""\n')).toEqual([
      [2, { a: 'x "y"', b: '1,2', c: 'line\r\nbreak' }],
      [3, { a: '', b: '', c: '' }],
    ])
  })

  it('a quote within a cell that does not begin with one is text', async () => {
    expect(await valuesOf('size,b\n5" disk,x\n')).toEqual([[2, { size: '5" disk', b: 'x' }]])
  })

  it.each([
    ['semicolons', 'a;b\n1,5;2\n'],
    ['tabs', 'a\tb\n1,5\t2\n'],
    ['pipes', 'a|b\n1,5|2\n'],
    ['a line of Excel that says so', 'sep=;\r\na;b\r\n1,5;2\r\n'],
    ['line ends of old Macs', 'a;b\r1,5;2\r'],
    ['single quotes', "a;b\n'1,5';'2'\n'1,5';'2'\n"],
  ])('finds %s', async (_what, text) => {
    expect((await rowsOf(text)).map(({ values }) => ({ ...values }))[0]).toEqual({ a: '1,5', b: '2' })
  })

  it('names columns that have no header', async () => {
    expect(await valuesOf('Ana,ana@example.com\nBo,bo@example.com\n')).toEqual([
      [1, { column1: 'Ana', column2: 'ana@example.com' }],
      [2, { column1: 'Bo', column2: 'bo@example.com' }],
    ])
    expect((await rowsOf('name,\nAna,x\n'))[0]?.values).toMatchObject({ column2: 'x' })
  })

  it('tells the faults of a row and reads on', async () => {
    const long = 'x'.repeat(200)
    const text = `a,b\n1\n1,2,3\n"x"y,2\nn\0l,2\n${long},${long}\n${'y'.repeat(60)},1\nlast,1\n`
    expect(await valuesOf(text, { limits: { rowBytes: 100, cellLength: 50 } })).toEqual([
      [2, 'column_count'],
      [3, 'column_count'],
      [4, 'bad_quote'],
      [5, 'nul_character'],
      [6, 'row_too_long'],
      [7, 'cell_too_long'],
      [8, { a: 'last', b: '1' }],
    ])
  })

  it('a row that could not be read says how it begins', async () => {
    expect((await rowsOf('a,b\n1,2,3\n'))[0]).toEqual({
      number: 2,
      raw: '1,2,3',
      fault: { code: 'column_count', message: 'has 3 cells where the file has 2 columns' },
      end: { byte: 10, row: 2 },
    })
  })

  it('ends at a quote that never closes: what follows might be a cell or rows', async () => {
    const text = `a,b\n1,2\n"open,2\n${'1,2\n'.repeat(100)}`
    expect(await faultOf(() => rowsOf(text))).toMatchObject({ code: 'unclosed_quote', place: { row: 3 } })
    expect(await faultOf(() => rowsOf(text, { limits: { rowBytes: 100, blockBytes: 10 } }))).toMatchObject({
      code: 'unclosed_quote',
      place: { row: 3 },
    })
  })

  it('a column called __proto__ is a column', async () => {
    const [row] = await rowsOf('__proto__,constructor\npolluted,x\n')
    expect(Object.entries(row?.values ?? {})).toEqual([
      ['__proto__', 'polluted'],
      ['constructor', 'x'],
    ])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('refuses two columns of the same name, and too many', async () => {
    expect(await faultOf(() => rowsOf('name,email, name\n1,a@x.com,2\n'))).toMatchObject({
      code: 'duplicate_header',
      message: 'has more than one column "name"',
    })
    const many = Array.from({ length: 10_000 }, (_, at) => `c${at}`).join(',')
    expect(await faultOf(() => rowsOf(`${many}\n`))).toMatchObject({ code: 'too_many_columns' })
  })

  it('what the sender says comes before what is found', () => {
    const bytes = Buffer.from('1;2\n3;4\n')
    expect(sniffTable(bytes, true, { delimiter: ',', header: true })).toMatchObject({
      columns: ['1;2'],
      format: { delimiter: ',', skipRows: 1 },
    })
  })

  it.each(['', '\n\n', ' \r\n '])('%j is no table', async (text) => {
    expect((await faultOf(() => rowsOf(text))).code).toBe('no_columns')
  })
})
