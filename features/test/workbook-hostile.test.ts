import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { decodeText } from '../src/tables/decoding/text-decoding.ts'
import { collect, fileErrorOf, inChunks } from './table-files.ts'
import { makeWorkbook, packFiles, unpack } from './workbook-files.ts'

const maxBytes = 20 << 20
const decode = async (bytes: Uint8Array, sheet?: string) => {
  const { text, charset, ...found } = await decodeText(inChunks(bytes), { maxBytes, sheet })
  const decoded = (await collect(text)).toString()
  return { ...found, charset: charset(), text: decoded }
}
const refused = (bytes: Uint8Array) => fileErrorOf(() => decode(bytes))
const temporaryFolders = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('clientele-unpack-'))

const cell = (text: string, at = '') => `<c${at && ` r="${at}"`} t="str"><v>${text}</v></c>`
const row = (cells: string) => `<row>${cells}</row>`
const workbook = (rows: string, more: object = {}) => makeWorkbook({ sheets: [{ rows }], ...more })

describe('Workbooks and archives in a process of their own', () => {
  afterEach(async () => expect(await temporaryFolders()).toEqual([]))

  it('a workbook is decoded to CSV, plain, compressed and in an archive', async () => {
    const bytes = await workbook(row(cell('Größe')))
    const expected = { text: '"Größe"\n', workbook: { sheet: 'Sheet1', sheets: ['Sheet1'] } }
    expect(await decode(bytes)).toMatchObject(expected)
    expect(await decode(gzipSync(bytes))).toMatchObject(expected)
    expect(await decode(await packFiles({ 'a.xlsx': bytes }))).toMatchObject(expected)
  })

  it('a file in an archive is decoded as if it came alone', async () => {
    const latin1 = Buffer.from('name\nZoë\n', 'latin1')
    const expected = { text: 'name\nZoë\n', charset: { name: 'windows-1252' }, member: 'a.csv' }
    expect(await decode(await packFiles({ 'a.csv': latin1 }))).toMatchObject(expected)
    expect(await decode(await packFiles({ 'a.csv.gz': gzipSync(latin1) }))).toMatchObject({
      ...expected,
      member: 'a.csv.gz',
    })
  })

  it('several files are unpacked at once', async () => {
    const bytes = await workbook(row(cell('x')).repeat(1_000))
    const all = await Promise.all(Array.from({ length: 4 }, () => decode(bytes)))
    expect(all.map(({ text }) => text.length)).toEqual([4_000, 4_000, 4_000, 4_000])
  })

  const doctype = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
  const sheet = (content: string) => ({ parts: { 'xl/worksheets/sheet1.xml': content } })
  it.each([
    ['with a document type', () => workbook('', sheet(`${doctype}<worksheet><sheetData/></worksheet>`)), 'bad_archive'],
    ['with an unknown entity', () => workbook(row(cell('&a;'))), 'bad_archive'],
    ['with a million columns', () => workbook(row(cell('x', 'BDWGN1'))), 'too_many_columns'],
    ['with columns of a sheet beyond its end', () => workbook(row(cell('x', 'XFE1'))), 'too_many_columns'],
    ['with a row beyond the end', () => workbook('<row r="1048577"/>'), 'bad_archive'],
    ['with elements that are nested deeply', () => workbook('<a>'.repeat(1_000_000)), 'bad_archive'],
    ['with one endless text', () => workbook(row(cell('x'.repeat(30_000_000)))), 'bad_archive'],
    ['with one endless tag', () => workbook(`<row a="${'x'.repeat(30_000_000)}"/>`), 'bad_archive'],
    ['with one endless comment', () => workbook(`<!--${'x'.repeat(30_000_000)}-->`), 'bad_archive'],
    ['with a row of too much text', () => workbook(row(cell('x'.repeat(90_000)).repeat(4))), 'row_too_long'],
    ['with a text that is missing', () => workbook('<row><c t="s"><v>7</v></c></row>'), 'bad_archive'],
    ['with a sheet that has no end', () => workbook('', sheet('<worksheet><sheetData><row/>')), 'bad_archive'],
    [
      'without its sheet',
      () => workbook('', { parts: { 'xl/_rels/workbook.xml.rels': '<Relationships/>' } }),
      'no_columns',
    ],
    [
      'whose sheet is elsewhere',
      () =>
        workbook('', {
          parts: {
            'xl/_rels/workbook.xml.rels':
              '<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="../../../../etc/passwd"/></Relationships>',
          },
        }),
      'bad_archive',
    ],
    ['that unpacks to more than allowed', () => workbook(row(cell('x'.repeat(20))).repeat(2_000_000)), 'too_large'],
    ['that is cut', async () => (await workbook(row(cell('x')))).subarray(0, -30), 'bad_archive'],
    ['that is nothing but a signature', async () => Buffer.from('PK\x03\x04'), 'bad_archive'],
  ])('a workbook %s is refused', async (_what, make, code) => {
    expect((await refused(await make())).code).toBe(code)
  })

  it('an archive that unpacks to much more than it has is refused early', async () => {
    const zeros = Buffer.alloc(70 << 20)
    expect(await refused(await packFiles({ 'a.csv': zeros }))).toMatchObject({ code: 'too_large' })
    expect(await refused(await packFiles({ 'a.xlsx': await packFiles({ 'xl/x': zeros }) }))).toBeDefined()
  })

  it('an archive that says less than it unpacks to is refused', async () => {
    const bytes = await packFiles({ 'a.csv': 'name\n'.repeat(10_000) })
    const at = bytes.lastIndexOf(Buffer.from('PK\x01\x02'))
    bytes.writeUInt32LE(100, at + 24)
    expect((await refused(bytes)).code).toBe('bad_archive')
  })

  it('an archive whose content was changed is refused', async () => {
    const bytes = await packFiles({ 'a.csv': 'name\nAna\n' }, false)
    bytes.write('Eva', bytes.indexOf('Ana'))
    expect((await refused(bytes)).code).toBe('bad_archive')
  })

  it('hundreds of thousands of different texts are read in any order', async () => {
    const count = 300_000
    const strings = Array.from({ length: count }, (_, n) => `<si><t>text ${n}</t></si>`).join('')
    const rows = Array.from({ length: count }, (_, n) => `<row><c t="s"><v>${(n * 7919) % count}</v></c></row>`).join(
      '',
    )
    const bytes = await workbook(rows, { strings })
    const { text } = await decodeText(inChunks(bytes), { maxBytes: 200 << 20 })
    let lines = 0
    for await (const chunk of text) for (const byte of chunk) if (byte === 0x0a) lines += 1
    expect(lines).toBe(count)
  }, 120_000)

  it.each([
    [
      'an old workbook',
      Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.from('Workbook', 'utf16le')]),
      /old Excel workbook.*save it as/,
    ],
    [
      'a workbook with a password',
      Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.from('EncryptedPackage', 'utf16le')]),
      /password.*remove/,
    ],
    ['another old document', Buffer.from('d0cf11e0a1b11ae1', 'hex'), /old Office document/],
  ])('%s is refused by its name', async (_what, bytes, message) => {
    const error = await refused(bytes)
    expect(error).toMatchObject({ code: 'unknown_format', message: expect.stringMatching(message) })
  })

  it('an archive with a password is refused by its name', async () => {
    const bytes = await packFiles({ 'a.csv': 'name\n' })
    const at = bytes.lastIndexOf(Buffer.from('PK\x01\x02'))
    bytes.writeUInt16LE(bytes.readUInt16LE(at + 8) | 1, at + 8)
    expect((await refused(bytes)).message).toMatch(/password/)
  })
})

describe('Any bytes as an archive', () => {
  const readOrRefuse = (bytes: Uint8Array) =>
    unpack(bytes).catch((error: unknown) => {
      if ((error as Error).name !== 'FileError') throw error
    })

  it('damaged workbooks are read or refused, and never crash', async () => {
    const whole = await workbook(row(cell('a') + cell('b')).repeat(20), { strings: '<si><t>x</t></si>' })
    const change = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) })
    const changes = fc.array(change, { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(changes, fc.option(fc.nat(whole.length)), async (all, cut) => {
        const bytes = Buffer.from(whole)
        for (const { at, byte } of all) bytes[at] = byte
        await readOrRefuse(bytes.subarray(0, cut ?? bytes.length))
      }),
      { numRuns: 200 },
    )
  }, 60_000)

  it('any XML as a sheet is read or refused', async () => {
    const piece = fc.constantFrom(
      '<row>',
      '</row>',
      '<c>',
      '</c>',
      '<v>',
      '</v>',
      '1',
      '<is>',
      '<t>',
      '</t>',
      '</is>',
      '<c t="s">',
      '&amp;',
      '&',
      ']]>',
      '<!--',
      '-->',
      '<?x?>',
      '\ud800',
      '\0',
      '</sheetData>',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (pieces) => {
        await readOrRefuse(await workbook(pieces.join('')))
      }),
    )
  }, 60_000)
})
