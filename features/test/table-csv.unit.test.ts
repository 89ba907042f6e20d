import { detectTable } from '../src/tables/format-detection.ts'
import { fileErrorOf, readText, valuesOf } from './table-files.ts'

describe('Reading CSV', () => {
  it('rows are numbered as in a spreadsheet: the header is row 1, and blank lines count', async () => {
    expect(await valuesOf('name,email\r\nAna,a@x.com\r\n\r\nBo,b@x.com')).toEqual([
      [2, { name: 'Ana', email: 'a@x.com' }],
      [4, { name: 'Bo', email: 'b@x.com' }],
    ])
  })

  it('a quoted cell may contain quotes, delimiters and line breaks', async () => {
    expect(await valuesOf('a,b,c\n"x ""y""","1,2","line\r\nbreak"\n,"",""\n')).toEqual([
      [2, { a: 'x "y"', b: '1,2', c: 'line\r\nbreak' }],
      [3, { a: '', b: '', c: '' }],
    ])
  })

  it('a quote is text in a cell that does not begin with a quote', async () => {
    expect(await valuesOf('size,b\n5" disk,x\n')).toEqual([[2, { size: '5" disk', b: 'x' }]])
  })

  it.each([
    ['semicolons', 'a;b\n1,5;2\n'],
    ['tabs', 'a\tb\n1,5\t2\n'],
    ['pipes', 'a|b\n1,5|2\n'],
    ['the sep= line of Excel', 'sep=;\r\na;b\r\n1,5;2\r\n'],
    ['carriage returns as line ends', 'a;b\r1,5;2\r'],
    ['single quotes', "a;b\n'1,5';'2'\n'1,5';'2'\n"],
  ])('the format of a file with %s is detected', async (_what, text) => {
    expect((await readText(text)).map(({ values }) => ({ ...values }))[0]).toEqual({ a: '1,5', b: '2' })
  })

  it('columns without a header are named by their position', async () => {
    expect(await valuesOf('Ana,ana@example.com\nBo,bo@example.com\n')).toEqual([
      [1, { column1: 'Ana', column2: 'ana@example.com' }],
      [2, { column1: 'Bo', column2: 'bo@example.com' }],
    ])
    expect((await readText('name,\nAna,x\n'))[0]?.values).toMatchObject({ column2: 'x' })
  })

  it('an invalid row is reported and the rows after it are read', async () => {
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

  it('an invalid row contains the beginning of its text', async () => {
    expect((await readText('a,b\n1,2,3\n'))[0]).toEqual({
      number: 2,
      raw: '1,2,3',
      error: {
        code: 'column_count',
        message: 'the row has 3 cells, but the file has 2 columns; quote cells that contain the delimiter',
      },
      end: { byte: 10, row: 2 },
    })
  })

  it('reading fails at a quote that is never closed', async () => {
    const text = `a,b\n1,2\n"open,2\n${'1,2\n'.repeat(100)}`
    expect(await fileErrorOf(() => readText(text))).toMatchObject({ code: 'unclosed_quote', position: { row: 3 } })
    expect(await fileErrorOf(() => readText(text, { limits: { rowBytes: 100, blockBytes: 10 } }))).toMatchObject({
      code: 'unclosed_quote',
      position: { row: 3 },
    })
  })

  it('a column may be called __proto__', async () => {
    const [row] = await readText('__proto__,constructor\npolluted,x\n')
    expect(Object.entries(row?.values ?? {})).toEqual([
      ['__proto__', 'polluted'],
      ['constructor', 'x'],
    ])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('a file with duplicate or too many column names is rejected', async () => {
    expect(await fileErrorOf(() => readText('name,email, name\n1,a@x.com,2\n'))).toMatchObject({
      code: 'duplicate_header',
      message: 'the file has more than one column "name"; rename or remove the others',
    })
    const many = Array.from({ length: 10_000 }, (_, at) => `c${at}`).join(',')
    expect(await fileErrorOf(() => readText(`${many}\n`))).toMatchObject({ code: 'too_many_columns' })
  })

  it('a declared delimiter and header take precedence over detected ones', () => {
    const bytes = Buffer.from('1;2\n3;4\n')
    expect(detectTable(bytes, true, { delimiter: ',', header: true })).toMatchObject({
      columns: ['1;2'],
      format: { delimiter: ',', skipRows: 1 },
    })
  })

  it.each(['', '\n\n', ' \r\n '])('the file %j is rejected because it has no columns', async (text) => {
    expect((await fileErrorOf(() => readText(text))).code).toBe('no_columns')
  })
})
