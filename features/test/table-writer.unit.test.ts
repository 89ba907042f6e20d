import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { suggestMapping } from '../src/imports/columns/suggest-mapping.ts'
import { cellText, parseListCell } from '../src/tables/cell.ts'
import { detectTable } from '../src/tables/format-detection.ts'
import { escapeFormula, unescapeFormula } from '../src/tables/formula-escaping.ts'
import { createTableEncoder, writeTable } from '../src/tables/writer.ts'
import { collect, readAll } from './table-files.ts'

async function* batches(...all: Record<string, unknown>[][]) {
  yield* all
}
const columns = ['name', 'phone', 'tags']
const ana = { name: 'Ana "A", B', phone: '+254711000111', tags: ['a', 'b'] }
const bo = { name: null, phone: '', tags: [] }

describe('Writing tables', () => {
  it.each([
    ['csv', '"name","phone","tags"\r\n"Ana ""A"", B","\'+254711000111","a;b"\r\n,,\r\n'],
    ['ndjson', `${JSON.stringify(ana)}\n${JSON.stringify(bo)}\n`],
    ['json', `[\n${JSON.stringify(ana)},\n${JSON.stringify(bo)}\n]\n`],
  ] as const)(
    'a table is written as %s with its number of rows and SHA-256, compressed or not',
    async (format, expected) => {
      const plain = writeTable(batches([ana], [], [bo]), { format, columns })
      const bytes = await collect(plain.chunks)
      expect(bytes.toString()).toBe(expected)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      expect(plain.summary()).toEqual({ rows: 2, bytes: bytes.length, sha256 })
      const zipped = writeTable(batches([ana, bo]), { format, columns, gzip: true })
      const packed = await collect(zipped.chunks)
      expect(gunzipSync(packed).toString()).toBe(expected)
      expect(zipped.summary().sha256).toBe(createHash('sha256').update(packed).digest('hex'))
    },
  )

  it.each([
    ['csv', '"name","phone","tags"\r\n'],
    ['json', '[\n]\n'],
    ['ndjson', ''],
  ] as const)('a table without rows is written as %s', async (format, expected) => {
    expect((await collect(writeTable(batches(), { format, columns }).chunks)).toString()).toBe(expected)
  })

  it('summary throws before the table is written', () => {
    expect(() => writeTable(batches(), { format: 'csv', columns }).summary()).toThrow('not written yet')
  })

  it('the encoder writes CSV in parts, with a byte order mark and semicolons', () => {
    const { head, rows, tail } = createTableEncoder({ format: 'csv', columns: ['a', 'b'], delimiter: ';', bom: true })
    const text = head + rows([{ a: '1;2', b: 'x,y' }], true) + rows([{ a: 3, b: true }], false) + tail
    expect(text).toBe('\uFEFF"a";"b"\r\n"1;2";"x,y"\r\n3;true\r\n')
  })
})

describe('CSV with formulas kept', () => {
  it('texts, lists and objects are written as they are', () => {
    const row = { phone: '+254711000111', text: "'=1", list: ['=a', '-b'], json: ['=a', 'b;'], object: { a: '=1' } }
    const { head, rows } = createTableEncoder({ format: 'csv', columns: Object.keys(row), formulas: 'keep' })
    expect(head + rows([row], true)).toBe(
      `"phone","text","list","json","object"\r\n"+254711000111","'=1","=a;-b","[""=a"",""b;""]","{""a"":""=1""}"\r\n`,
    )
  })
})

describe('Formula escaping', () => {
  it.each(['=1+1', '+254711000111', '-1+1', '@SUM(A1)', '\ta', '\ra', '\na', ' =1', '"=1"', "'=1", '＝1', '-', '=-5'])(
    '%j is escaped with an apostrophe, which unescaping removes',
    (text) => {
      expect(escapeFormula(text)).toBe(`'${text}`)
      expect(unescapeFormula(escapeFormula(text))).toBe(text)
    },
  )

  it.each([
    ['a;=1', "a;'=1"],
    ['a, "+1"', 'a,\' "+1"'],
    ['-5|-5', "'-5|'-5"],
    ['a\t@b\r\n=c\nd', "a\t'@b\r\n'=c\nd"],
    ['\t=1', "'\t'=1"],
    ["a;'=1", "a;''=1"],
  ])('%j is escaped as %j, also after a separator inside it', (text, escaped) => {
    expect(escapeFormula(text)).toBe(escaped)
    expect(unescapeFormula(escaped)).toBe(text)
  })

  it.each(['-5', '-5.25', 'a - b; c=d', 'Moi Avenue, Nairobi', "O'Brien", "'quoted'", '1+1', ''])(
    '%j is not escaped',
    (text) => {
      expect(escapeFormula(text)).toBe(text)
      expect(unescapeFormula(text)).toBe(text)
    },
  )

  it('any text survives escaping and unescaping unchanged', () => {
    const parts = fc.array(fc.constantFrom("'", '=', '="', '-', '\t', '\n', '5', ';', ' ', '"', '＝'), { maxLength: 8 })
    fc.assert(fc.property(parts, (some) => unescapeFormula(escapeFormula(some.join(''))) === some.join('')))
  })
})

describe('Cells', () => {
  it.each([
    [['a', 'b'], 'a;b'],
    [['a;b', 'c'], '["a;b","c"]'],
    [['[x'], '["[x"]'],
    [['ok', '=1', '-5'], "ok;'=1;'-5"],
    [['a,=b', '+'], '["a,\\u003db","\\u002b"]'],
    [['a ::: b', '* c', '"d'], '["a ::: b","* c","\\"d"]'],
    [[' a', '=b'], '[" a","\\u003db"]'],
    [[], ''],
  ])('the list %j is written as %s', (list, cell) => {
    expect(cellText(list)).toBe(cell)
    expect(parseListCell(unescapeFormula(cell))).toEqual(list)
  })

  it('other values are written as readable text', () => {
    expect([null, undefined, true, 5, { a: 1 }, new Date(0)].map((value) => cellText(value))).toEqual([
      '',
      '',
      'true',
      '5',
      '{"a":1}',
      '1970-01-01T00:00:00.000Z',
    ])
    expect(parseListCell('[not json ; b')).toEqual(['[not json', 'b'])
  })

  it.each([
    ['retail, ag-exempt', ['retail', 'ag-exempt']],
    ['a, b; c', ['a, b', 'c']],
    ['"VIP","Blog, old"', ['VIP', 'Blog, old']],
    ['"say ""hi"""; "b"', ['say "hi"', 'b']],
    ['5" disk, x', ['5" disk', 'x']],
    ['Kunden ::: * myContacts', ['Kunden']],
  ])('the list %s of another program is read as %j', (cell, list) => {
    expect(parseListCell(cell)).toEqual(list)
  })
})

describe('Suggested mappings', () => {
  it('a field is suggested for a column name in any spelling, each field once', () => {
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

/** Reads CSV as a spreadsheet with the given delimiter does: text after a closing quote belongs to the cell. */
const readLeniently = (text: string, delimiter: string): string[][] => {
  const rows: string[][] = [['']]
  let state: 'start' | 'plain' | 'quoted' = 'start'
  const append = (character: string) => {
    const row = rows.at(-1) as string[]
    row[row.length - 1] += character
  }
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] as string
    if (state === 'quoted') {
      if (character !== '"') append(character)
      else if (text[at + 1] === '"') {
        append('"')
        at += 1
      } else state = 'plain'
    } else if (character === '"' && state === 'start') state = 'quoted'
    else if (character === delimiter) {
      rows.at(-1)?.push('')
      state = 'start'
    } else if (character === '\n' || character === '\r') {
      rows.push([''])
      state = 'start'
    } else {
      append(character)
      state = 'plain'
    }
  }
  return rows
}

const encode = (rows: Record<string, unknown>[], columns: string[], delimiter = ','): string => {
  const encoder = createTableEncoder({ format: 'csv', columns, delimiter })
  return encoder.head + encoder.rows(rows, true) + encoder.tail
}
const delimiters = [',', ';', '|', '\t']
const textOf = (characters: string) =>
  fc.array(fc.constantFrom(...characters), { maxLength: 8 }).map((some) => some.join(''))

describe('CSV that is read with another delimiter', () => {
  it('no part of a name or of a list of tags is a formula when the file is read with semicolons', () => {
    const row = { code: 'CUS-000027', name: 'Foo;=HYPERLINK(A1)', tags: ['ok', '=1+1', '+cmd'] }
    const text = encode([row], ['code', 'name', 'tags'])
    expect(text).toBe(`"code","name","tags"\r\n"CUS-000027","Foo;'=HYPERLINK(A1)","ok;'=1+1;'+cmd"\r\n`)
    expect(
      readLeniently(text, ';')
        .flat()
        .filter((cell) => /^[=+]/.test(cell)),
    ).toEqual([])
  })

  it('no cell is a formula, whatever the delimiters of the writer and the reader, with and without quotes', () => {
    const text = textOf(`=+-@"' ,;|\t\r\na[{＝`)
    const value = fc.oneof(
      text,
      fc.array(text, { maxLength: 3 }),
      fc.dictionary(text, text, { maxKeys: 3 }),
      fc.constantFrom(null, true, 5),
    )
    const table = fc.array(fc.record({ a: value, b: value, c: value }), { minLength: 1, maxLength: 3 })
    const delimiter = fc.constantFrom(...delimiters)
    fc.assert(
      fc.property(table, delimiter, delimiter, (rows, written, read) => {
        const csv = encode(rows, ['a', 'b', 'c'], written)
        const cells = [...readLeniently(csv, read).flat(), ...csv.split(/[\r\n]/).flatMap((line) => line.split(read))]
        expect(cells.filter((cell) => /^\s*[=+\-@＝]/.test(cell))).toEqual([])
      }),
      { numRuns: 1000 },
    )
  })

  it('an import reads the same texts, lists and objects from a file that was written with any delimiter', async () => {
    const characters = `=+-@"' ,;|\t\r\na[{5`
    const text = textOf(`${characters}\\`)
    // Keys have no backslash: once JSON.parse of Node 24 has read {"":1,"\\":2}, it reads the key "\"" of {"":1,"\"":2} as "\\".
    const key = textOf(characters)
    const row = fc.record({
      text,
      list: fc.array(text, { maxLength: 3 }),
      object: fc.dictionary(key, fc.oneof(text, fc.integer()), { minKeys: 1, maxKeys: 3 }),
    })
    const table = fc.array(row, { minLength: 1, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(table, fc.constantFrom(...delimiters), async (rows, delimiter) => {
        const bytes = Buffer.from(encode(rows, ['n', 'text', 'list', 'object'], delimiter))
        const { format } = detectTable(bytes, true, { header: true })
        expect(format).toMatchObject({ delimiter, columns: ['n', 'text', 'list', 'object'] })
        const values = (await readAll(bytes, format)).map((found) => found.values as Record<string, string>)
        expect(
          values.map(({ text, list = '', object = '' }) => ({
            text,
            list: parseListCell(list),
            object: JSON.parse(object),
          })),
        ).toEqual(rows.map((written) => ({ ...written, object: JSON.parse(JSON.stringify(written.object)) })))
      }),
    )
  })
})
