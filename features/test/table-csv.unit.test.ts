import { detectTable } from '../src/tables/format-detection.ts'
import { fileErrorOf, readAll, readText, valuesOf } from './table-files.ts'

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
    ])
  })

  it('a row may lack cells at its end, and empty cells that no column has are ignored', async () => {
    expect(await valuesOf('a,b,c\n1\n1,2,3,, \n1,2\n')).toEqual([
      [2, { a: '1', b: '', c: '' }],
      [3, { a: '1', b: '2', c: '3' }],
      [4, { a: '1', b: '2', c: '' }],
    ])
  })

  it('blank rows are left out and count as rows, also above the header', async () => {
    expect(await valuesOf(';;\r\n \r\na;b;c\r\n;;\r\n1;2;3\r\n"";" ";\r\n;;')).toEqual([
      [5, { a: '1', b: '2', c: '3' }],
    ])
  })

  it('an apostrophe or a formula that makes a spreadsheet show a number as text is no part of the text', async () => {
    expect(await valuesOf(`id,zip,name\n'7210,="01067",d'Arc\n'89801,"=""01067""",'Tis\n`)).toEqual([
      [2, { id: '7210', zip: '01067', name: "d'Arc" }],
      [3, { id: '89801', zip: '01067', name: "'Tis" }],
    ])
  })

  it('rows may end with CR and cells contain LF, as Excel writes them on a Mac', async () => {
    expect(await valuesOf('a,b\r1,"x\ny"\r2,z\r')).toEqual([
      [2, { a: '1', b: 'x\ny' }],
      [3, { a: '2', b: 'z' }],
    ])
  })

  it.each(['"sep=;"', 'SEP=;', 'sep=;'])('the line %s declares the delimiter', async (line) => {
    expect((await readText(`${line}\r\na,x;b\r\n1,5;2\r\n`))[0]?.values).toMatchObject({ 'a,x': '1,5', b: '2' })
  })

  it('a sep= line is no row: rows are numbered as a spreadsheet shows them, also when reading goes on', async () => {
    const text = 'sep=;\r\na;b\r\n1;2\r\n"3;4\r\n'
    const bytes = Buffer.from(text)
    const { format } = detectTable(bytes, true)
    expect(await fileErrorOf(() => readAll(bytes, format))).toMatchObject({ position: { row: 3 } })
    const [first] = await readText('sep=;\r\na;b\r\n1;2\r\n3;4\r\n')
    expect(first).toMatchObject({ number: 2, values: { a: '1', b: '2' } })
    const whole = Buffer.from('sep=;\r\na;b\r\n1;2\r\n3;4\r\n')
    const rest = await readAll(whole, detectTable(whole, true).format, { from: first?.end })
    expect(rest).toMatchObject([{ number: 3, values: { a: '3', b: '4' } }])
  })

  it('a first row with a known name of a column is a header, whatever its other cells are', () => {
    const isKnownName = (name: string) => name === 'Email'
    const detect = (first: string) => detectTable(Buffer.from(`${first}\nAna,a@x.com,1\n`), true, { isKnownName })
    for (const odd of ['2023', 'IG @handle', `${'Which tea? '.repeat(20)}`, '2026-11-20'])
      expect(detect(`Name,Email,${odd}`)).toMatchObject({ header: true, columns: ['Name', 'Email', odd.trim()] })
    expect(detect('Ana,b@x.com,2023')).toMatchObject({ header: false })
  })

  it.each(['a\0b', 'a\u001fb'])(
    'a header with a control character is refused with the number of its column',
    async (name) => {
      expect(await fileErrorOf(() => readText(`ok,${name}\n1,2\n`))).toMatchObject({
        code: 'bad_header',
        message: 'the name of column 2 has a control character; remove it',
      })
    },
  )

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
    const text = `a,b\n1,2,3,4\n1,2,3\n"x"y,2\nn\0l,2\n${long},${long}\n${'y'.repeat(60)},1\nlast,1\n`
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

  it('a column whose name is repeated gets a number that no other column has', async () => {
    expect(await valuesOf('name,Email, Email,Email (2),Email\nAna,a@x.com,b@x.com,c@x.com,d@x.com\n')).toEqual([
      [2, { name: 'Ana', Email: 'a@x.com', 'Email (3)': 'b@x.com', 'Email (2)': 'c@x.com', 'Email (4)': 'd@x.com' }],
    ])
    expect(await valuesOf('a@x.com,a@x.com\nb@x.com,c@x.com\n')).toEqual([
      [1, { column1: 'a@x.com', column2: 'a@x.com' }],
      [2, { column1: 'b@x.com', column2: 'c@x.com' }],
    ])
  })

  it('a file with too many columns is rejected', async () => {
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
