import { readFile } from 'node:fs/promises'
import { fileErrorOf } from './table-files.ts'
import { makeWorkbook, packFiles, readSheetRows, type SheetParts, unpack } from './workbook-files.ts'

const textOf = async (rows: string, more: object = {}): Promise<string> =>
  (await unpack(await makeWorkbook({ sheets: [{ rows }], ...more }))).text
/** The text of one cell. */
const cellOf = async (cell: string, more: object = {}): Promise<string> => {
  const text = await textOf(`<row r="1">${cell}</row>`, more)
  return text.replace(/^"|"?\n$/g, '').replaceAll('""', '"')
}
const numberOf = (value: string | number, format: string, more: object = {}) =>
  cellOf(`<c r="A1" s="1"><v>${value}</v></c>`, { formats: [format], ...more })

describe('Reading workbooks', () => {
  it('a workbook that another program wrote is read', async () => {
    const file = await readFile(new URL('./fixtures/contacts.xlsx', import.meta.url))
    expect(await unpack(file)).toEqual({
      info: { workbook: { sheet: 'Sheet', sheets: ['Sheet'] } },
      text: '"First name","Last name","Email"\n"Ana","Berg","ana.x@example.com"\n',
    })
  })

  it('a workbook as Excel writes it is read: formats, formulas, runs of text, merged cells, hidden rows and sheets', async () => {
    const file = await readFile(new URL('./fixtures/shop.xlsx', import.meta.url))
    expect(await unpack(file)).toEqual({
      info: { workbook: { sheet: 'Customers', sheets: ['Cover', 'Customers', 'Notes'] } },
      text: [
        '"First name","Last name","E-mail","Phone","Postcode","Since","Last visit","Spent","Discount","Newsletter","Total"',
        '"Ana","Größe & Söhne","ana.g@example.com","254711000111","01067","2026-11-30","2026-11-30T14:05:00","-1234.50","12.5%","true","-2469"',
        '',
        '"Bo",,"bo@example.com",,,,,,,,"#N/A"',
        '',
      ].join('\n'),
    })
  })

  it.each([
    ['a shared text', '<c t="s"><v>1</v></c>', 'Größe & Co'],
    ['a shared text in runs', '<c t="s"><v>2</v></c>', 'bold plain'],
    ['a text with a phonetic hint', '<c t="s"><v>3</v></c>', '東京'],
    ['an inline text', '<c t="inlineStr"><is><r><t>a</t></r><r><t xml:space="preserve"> b</t></r></is></c>', 'a b'],
    ['a text with blanks and quotes', '<c t="inlineStr"><is><t xml:space="preserve"> "x"\n</t></is></c>', ' "x"\n'],
    ['escaped characters', '<c t="inlineStr"><is><t>a_x000D_b_x005F_x000D_</t></is></c>', 'a\rb_x000D_'],
    ['a text in CDATA', '<c t="str"><v><![CDATA[<a>]]></v></c>', '<a>'],
    ['true', '<c t="b"><v>1</v></c>', 'true'],
    ['false', '<c t="b"><v>0</v></c>', 'false'],
    ['an error', '<c t="e"><v>#REF!</v></c>', '#REF!'],
    ['a date as text', '<c t="d"><v>2026-11-30T00:00:00</v></c>', '2026-11-30'],
    ['the value of a formula', '<c><f>A2*2</f><v>42</v></c>', '42'],
    ['the text of a formula', '<c t="str"><f>CONCAT("a","b")</f><v>ab</v></c>', 'ab'],
    ['a formula without a value', '<c><f>A2*2</f><v></v></c>', '#UNCALCULATED!'],
    ['a cell with nothing but a style', '<c s="1"/>', ''],
  ])('%s is read', async (_what, cell, expected) => {
    const strings =
      '<si><t>first</t></si><si><t>Größe &amp; Co</t></si><si><r><rPr><b/></rPr><t>bold</t></r><r><t xml:space="preserve"> plain</t></r></si><si><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></si>'
    expect(await cellOf(cell, { strings })).toBe(expected)
  })

  it.each([
    ['yyyy-mm-dd', 46_356, '2026-11-30'],
    ['dd.mm.yyyy', 46_356.75, '2026-11-30'],
    ['[$-407]d. mmmm yyyy', 46_356, '2026-11-30'],
    ['m/d/yy h:mm', 46_356.5868055556, '2026-11-30T14:05:00'],
    ['yyyy-mm-dd hh:mm:ss', 46_356, '2026-11-30'],
    ['h:mm AM/PM', 0.5, '12:00:00'],
    ['[h]:mm', 1.5, '36:00'],
    ['yyyy-mm-dd', 1, '1900-01-01'],
    ['yyyy-mm-dd', 61, '1900-03-01'],
    ['yyyy-mm-dd', 99_999_999, '99999999'],
    ['00000', 1067, '01067'],
    ['0000000000', 151_234_567, '0151234567'],
    ['00000-0000', 123_456_789, '12345-6789'],
    ['(###) ###-####', 5_551_234_567, '(555) 123-4567'],
    ['0%', 0.125, '13%'],
    ['0.0%', 0.125, '12.5%'],
    ['0.00', 12.5, '12.50'],
    ['#,##0.00', 1234.5, '1234.50'],
    ['#,##0.00 [$€-407]', 1234.5, '1234.50'],
    ['"$"#,##0.00_);("$"#,##0.00)', -1234.5, '-1234.50'],
    ['#,##0.00 "kg"', -3, '-3.00'],
    ['0.##', 12.5, '12.5'],
    ['0', 254_711_000_111, '254711000111'],
    ['0.00E+00', 254_711_000_111, '254711000111'],
    ['# ?/?', 0.5, '0.5'],
    ['0,"k"', 1_234_567, '1234567'],
    ['@', 42, '42'],
    [';;;', 42, '42'],
    ['General', 42, '42'],
    ['[', 42, '42'],
  ])('a number with the format %s is read as it is shown: %s → %s', async (format, value, expected) => {
    expect(await numberOf(value, format)).toBe(expected)
  })

  it.each([
    ['2.54711E+11', '254711000000'],
    ['1E+21', '1000000000000000000000'],
    ['0.30000000000000004', '0.3'],
    ['1.2345E-7', '0.00000012345'],
    ['11.899999999999999', '11.9'],
    ['1234567890123456789', '1234567890123456789'],
    ['-5', '-5'],
    ['x', 'x'],
  ])('a number without a format is read without an exponent: %s → %s', async (value, expected) => {
    expect(await cellOf(`<c><v>${value}</v></c>`)).toBe(expected)
  })

  it('days are counted from 1904 if the workbook says so', async () => {
    expect(await numberOf(44_894, 'yyyy-mm-dd', { isFrom1904: true })).toBe('2026-11-30')
  })

  it.each([
    [14, 46_356, '2026-11-30'],
    [22, 46_356.5, '2026-11-30T12:00:00'],
    [31, 46_356, '2026-11-30'],
    [46, 1.5, '36:00:00'],
    [44, -1234.5, '-1234.50'],
    [11, 254_711_000_111, '254711000111'],
    [49, 42, '42'],
    [999, 42, '42'],
  ])('the built-in format %i is known', async (id, value, expected) => {
    const styles = `<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="${id}"/></cellXfs></styleSheet>`
    expect(await cellOf(`<c s="1"><v>${value}</v></c>`, { parts: { 'xl/styles.xml': styles } })).toBe(expected)
  })

  it('missing cells and rows keep their place, and hidden and merged ones are read', async () => {
    const cell = (at: string) => `<c r="${at}" t="str"><v>${at}</v></c>`
    const rows = `<row r="2" hidden="1">${cell('B2')}${cell('AA2')}</row><row r="4">${cell('A4')}<c r="B4"/></row><row>${cell('C5')}<c t="str"><v>next</v></c></row>`
    const between = ','.repeat(24)
    expect(await textOf(rows)).toBe(`\n,"B2",${between}"AA2"\n\n"A4"\n,,"C5","next"\n`)
  })

  it('elements may have a prefix, and parts may be UTF-16', async () => {
    const sheet =
      '<x:worksheet xmlns:x="x"><x:sheetData><x:row><x:c t="str"><x:v>Größe</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    for (const content of [sheet, Buffer.from(`\ufeff${sheet}`, 'utf16le')])
      expect(await textOf('', { parts: { 'xl/worksheets/sheet1.xml': content } })).toBe('"Größe"\n')
  })

  describe('Sheets', () => {
    const row = (text: string) => `<row><c t="str"><v>${text}</v></c></row>`
    const sheets: SheetParts[] = [
      { name: 'Secret', state: 'hidden', rows: row('secret') },
      { name: 'People', rows: row('people') },
      { name: '1', rows: row('one') },
    ]
    it.each([
      [undefined, 'people'],
      ['People', 'people'],
      ['people ', 'people'],
      ['2', 'people'],
      ['1', 'one'],
      ['Secret', 'secret'],
    ])('the sheet %s is found', async (sheet, expected) => {
      const { info, text } = await unpack(await makeWorkbook({ sheets }), sheet === undefined ? {} : { sheet })
      expect([text, info.workbook?.sheets]).toEqual([`"${expected}"\n`, ['Secret', 'People', '1']])
    })

    it('an unknown sheet is refused with the names of all', async () => {
      const bytes = await makeWorkbook({ sheets })
      const error = await fileErrorOf(() => unpack(bytes, { sheet: '4' }))
      expect(error).toMatchObject({
        code: 'unknown_sheet',
        message: expect.stringContaining('"Secret", "People", "1"'),
      })
    })
  })
})

describe('Archives', () => {
  const csv = 'name\nAna\n'
  it('the one table of an archive is read, also beside what macOS and Windows add', async () => {
    const files = {
      'list/': '',
      'list/people.csv': csv,
      '__MACOSX/list/._people.csv': 'x',
      '.DS_Store': 'x',
      'readme.txt': 'x',
    }
    expect(await unpack(await packFiles(files))).toEqual({ info: { member: 'people.csv' }, text: csv })
    expect((await unpack(await packFiles({ 'people.txt': csv }))).text).toBe(csv)
    expect((await unpack(await packFiles({ people: csv }, false))).text).toBe(csv)
  })

  it('a workbook in an archive is read', async () => {
    const rows = '<row><c t="str"><v>Ana</v></c></row>'
    const file = await makeWorkbook({
      sheets: [
        { name: 'One', rows },
        { name: 'Two', rows },
      ],
    })
    expect(await unpack(await packFiles({ 'people.xlsx': file }), { sheet: 'Two' })).toEqual({
      info: { member: 'people.xlsx', workbook: { sheet: 'Two', sheets: ['One', 'Two'] } },
      text: '"Ana"\n',
    })
  })

  it.each([
    ['several tables', { 'a.csv': csv, 'b/c.xlsx': csv }, 'several_tables', '"a.csv", "b/c.xlsx"'],
    ['no table', { 'a.jpg': '', 'b.jpg': '' }, 'unknown_format', '"a.jpg", "b.jpg"'],
    ['nothing', {}, 'unknown_format', 'empty'],
    ['an archive', { 'a.zip': 'PK\x03\x04' }, 'bad_archive', 'damaged'],
  ])('an archive with %s is refused', async (_what, files, code, part) => {
    const bytes = await packFiles(files as Record<string, string>)
    const error = await fileErrorOf(() => unpack(bytes))
    expect(error).toMatchObject({ code, message: expect.stringContaining(part) })
  })

  it('an archive within an archive is refused', async () => {
    const bytes = await packFiles({ 'a.zip': await packFiles({ 'a.csv': csv }) })
    expect(await fileErrorOf(() => unpack(bytes))).toMatchObject({ code: 'unknown_format' })
  })

  const office = (target: string) =>
    `<Relationships><Relationship Id="r" Type="http://x/officeDocument" Target="${target}"/></Relationships>`
  it.each([
    ['a binary workbook', { '_rels/.rels': office('xl/workbook.bin') }, '.xlsb'],
    ['a Word document', { '_rels/.rels': office('word/document.xml') }, 'Word'],
    ['a presentation', { '_rels/.rels': office('ppt/presentation.xml') }, 'presentation'],
    ['an OpenDocument spreadsheet', { mimetype: 'application/vnd.oasis', 'content.xml': '<x/>' }, '.ods'],
    ['a Numbers document', { 'Index/Document.iwa': '' }, 'Numbers'],
  ])('%s is refused by its name', async (_what, files, part) => {
    const bytes = await packFiles(files as Record<string, string>)
    const error = await fileErrorOf(() => unpack(bytes))
    expect(error).toMatchObject({ code: 'unknown_format', message: expect.stringContaining(part) })
    expect(error.message).toMatch(/save it|export it|send a table/)
  })
})

describe('Rows of a sheet', () => {
  it('apostrophes that force text are removed as in CSV', async () => {
    const cell = (text: string) => `<c t="str"><v>${text}</v></c>`
    const rows = `<row>${cell('zip')}${cell('name')}</row><row>${cell("'01067")}${cell("O'Neil")}</row>`
    expect(await readSheetRows(await makeWorkbook({ sheets: [{ rows }] }))).toEqual([{ zip: '01067', name: "O'Neil" }])
  })
})
