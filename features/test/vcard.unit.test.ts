import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { convertContacts, vcardToNdjson } from '../src/tables/vcard.ts'

type Row = Record<string, unknown>

async function* inPieces(text: string | Uint8Array, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text as Uint8Array)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
const convert = async (text: string | Uint8Array, pieceSize = 1 << 20): Promise<string> => {
  const lines: Buffer[] = []
  for await (const line of vcardToNdjson(inPieces(text, pieceSize))) lines.push(line)
  return Buffer.concat(lines).toString()
}
const rowsOf = async (text: string | Uint8Array, pieceSize?: number): Promise<Row[]> =>
  (await convert(text, pieceSize))
    .split('\n')
    .slice(0, -1)
    .map((line) => (line === '' ? {} : JSON.parse(line)))
const card = (...lines: string[]) => ['BEGIN:VCARD', ...lines, 'END:VCARD', ''].join('\r\n')
const rowOf = async (...lines: string[]): Promise<Row | undefined> => (await rowsOf(card(...lines)))[0]

describe('vCards', () => {
  it('the sample of a telephone is read', async () => {
    const contacts = readFileSync(new URL('./fixtures/contacts.vcf', import.meta.url))
    expect((await convertContacts(inPieces(contacts, 5))).source).toBe('vcard')
    expect((await convertContacts(inPieces('name,email\n', 5))).source).toBeUndefined()
    expect(await rowsOf(contacts)).toEqual([
      { name: 'Example', surname: 'Person', email: 'a13@example.com', metadata: {} },
    ])
  })

  it('a card of an iPhone (version 3.0) is read, its photo is not', async () => {
    const photo = ['PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ', ...Array.from({ length: 20_000 }, () => ` ${'A'.repeat(74)}`)]
    const row = await rowOf(
      'VERSION:3.0',
      'PRODID:-//Apple Inc.//iPhone OS 18.1//EN',
      'N:Berg;Ana;Maria;Dr.;',
      'FN:Dr. Ana Maria Berg',
      'ORG:Berg\\, Söhne;Einkauf;',
      'item1.EMAIL;type=INTERNET;type=HOME:ana@example.com',
      'item1.X-ABLabel:_$!<Other>!$_',
      'EMAIL;type=INTERNET;type=WORK;type=pref:ana.berg@example.com',
      'TEL;type=HOME;type=VOICE:+49 30 123456',
      'TEL;type=CELL;type=VOICE:+49 151 23456789',
      'ADR;type=HOME;type=pref:;;Hauptstraße 1\\nHinterhaus;Berlin;;10115;Deutschland',
      'BDAY:19850412',
      'NOTE:zweite Zeile\\nnach der ersten\\; immer',
      ...photo,
      'CATEGORIES:Kunden,Bio\\, fair',
    )
    expect(row).toEqual({
      name: 'Ana Maria',
      surname: 'Berg',
      email: 'ana.berg@example.com',
      phone: '+49 151 23456789',
      address: { street: 'Hauptstraße 1\nHinterhaus', city: 'Berlin', postalCode: '10115', country: 'Deutschland' },
      tags: ['Kunden', 'Bio, fair'],
      metadata: {
        organisation: 'Berg, Söhne, Einkauf',
        birthday: '1985-04-12',
        otherEmails: 'ana@example.com',
        otherPhones: '+49 30 123456',
        note: 'zweite Zeile nach der ersten; immer',
      },
    })
  })

  it('a card of version 4.0 is read', async () => {
    const row = await rowOf(
      'VERSION:4.0',
      'FN;PREF=1:Łukasz Gołębiowski',
      'EMAIL;PREF=2:second@example.com',
      'EMAIL;PREF=1;TYPE="work,home":first@example.com',
      'TEL;VALUE=uri;TYPE="voice,cell":tel:+48-501-000-111',
      'ADR;LABEL="ul. Prosta: 1; Warszawa":;;ul. Prosta 1;Warszawa;;00-001;PL',
      'BDAY:--0412',
      'CATEGORIES:a',
      'CATEGORIES:b,a',
    )
    expect(row).toEqual({
      name: 'Łukasz',
      surname: 'Gołębiowski',
      email: 'first@example.com',
      phone: 'tel:+48-501-000-111',
      address: { street: 'ul. Prosta 1', city: 'Warszawa', postalCode: '00-001', country: 'PL' },
      tags: ['a', 'b'],
      metadata: { birthday: '--0412', otherEmails: 'second@example.com' },
    })
  })

  it('a card of Android (version 2.1, quoted-printable) is read', async () => {
    const row = await rowOf(
      'VERSION:2.1',
      'N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=4D=C3=BC=6C=6C=65=72;=4A=C3=B6=72=67;;;',
      'FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=4A=C3=B6=72=67=20=',
      '=4D=C3=BC=6C=6C=65=72',
      'TEL;HOME:030123',
      'TEL;CELL;PREF:0151 23456789',
      'NOTE;QUOTED-PRINTABLE;CHARSET=ISO-8859-1:caf=E9 =',
      ' noir',
    )
    expect(row).toEqual({
      name: 'Jörg',
      surname: 'Müller',
      phone: '0151 23456789',
      metadata: { otherPhones: '030123', note: 'café noir' },
    })
  })

  it.each([
    ['a single word', ['FN:Bakery'], { name: 'Bakery' }],
    ['an empty N', ['N:;;;;', 'FN:Ana Maria Berg'], { name: 'Ana Maria', surname: 'Berg' }],
    ['a family name alone', ['N:Berg;;;;', 'FN:Berg'], { surname: 'Berg' }],
    [
      'lower case and folding',
      ['fn:Ana', ' ', '  Berg', 'email:a@example.com'],
      { name: 'Ana', surname: 'Berg', email: 'a@example.com' },
    ],
    ['lines that are no properties', ['FN:Ana Berg', 'no colon', ';:', ''], { name: 'Ana', surname: 'Berg' }],
    [
      'a nested card',
      ['FN:Ana Berg', 'AGENT:', 'BEGIN:VCARD', 'FN:Bob', 'END:VCARD'],
      { name: 'Ana', surname: 'Berg' },
    ],
  ])('a card with %s is read', async (_what, lines, expected) => {
    expect(await rowOf(...lines)).toEqual({ ...expected, metadata: {} })
  })

  it('groups have no row, and rows keep the numbers of their cards', async () => {
    const group = card('X-ADDRESSBOOKSERVER-KIND:group', 'FN:Friends')
    expect(await convert(card('FN:A B') + group + card('FN:C D'))).toBe(
      '{"name":"A","surname":"B","metadata":{}}\n\n{"name":"C","surname":"D","metadata":{}}\n',
    )
  })

  it('the rows do not depend on the sizes of chunks or the kind of line breaks', async () => {
    const text = card('FN:Zoë Berg', 'NOTE:a', '  folded', 'EMAIL:z@example.com') + card('FN:Ödön Ő')
    const expected = await rowsOf(text)
    for (const size of [1, 2, 3, 7, 50]) expect(await rowsOf(text, size)).toEqual(expected)
    expect(await rowsOf(text.replaceAll('\r\n', '\n'))).toEqual(expected)
    expect(await rowsOf(text.replaceAll('\r\n', '\r'), 3)).toEqual(expected)
  })

  it.each([
    ['without an end', 'BEGIN:VCARD\nFN:Ana\n', 'unexpected_end', 'card 1 of the file has no END:VCARD'],
    [
      'of more than 1 MiB',
      card(...Array.from({ length: 20 }, () => `NOTE:${'x'.repeat(90_000)}`)),
      'row_too_long',
      'card 1',
    ],
  ])('a card %s is an error', async (_what, text, code, message) => {
    await expect(convert(text)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  it('what is written as a card is read again', async () => {
    const escaped = (text: string) => text.replace(/[\\;,]/g, '\\$&')
    const fold = (line: string) => (line.match(/.{1,60}/gsu) ?? []).join('\r\n ')
    const word = fc.stringMatching(/^[\p{L}\p{N}\\;,:="'-]{1,80}$/u).filter((text) => text.trim() !== '')
    await fc.assert(
      fc.asyncProperty(
        word,
        word,
        word,
        fc.uniqueArray(word, { minLength: 1, maxLength: 5 }),
        async (name, surname, city, tags) => {
          const lines = [
            `N:${escaped(surname)};${escaped(name)};;;`,
            `ADR:;;;${escaped(city)};;;`,
            `CATEGORIES:${tags.map(escaped).join(',')}`,
          ]
          expect(await rowOf(...lines.map(fold))).toEqual({ name, surname, address: { city }, tags, metadata: {} })
        },
      ),
    )
  })

  it('any bytes are converted to rows or refused, in bounded time', async () => {
    const bits = fc.constantFrom(
      'BEGIN:VCARD',
      'END:VCARD',
      'FN:',
      'N:',
      ';',
      ':',
      '=',
      '"',
      '\\',
      ',',
      ' ',
      '\r',
      '\n',
      'PHOTO:',
      '=C3',
      'ENCODING=QUOTED-PRINTABLE',
      'é',
      '\0',
    )
    const text = fc.oneof(
      fc.array(bits, { maxLength: 80 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
    )
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (sent, size) => {
        const result = await convert(`BEGIN:VCARD\n${sent}`, size).catch((error: { name: string }) => error.name)
        if (result !== 'FileError') for (const line of result.split('\n')) if (line !== '') JSON.parse(line)
      }),
      { numRuns: 1_000 },
    )
    const hostile = [
      `FN:${'='.repeat(3_000_000)}`,
      `FN${';a="'.repeat(500_000)}`,
      `FN;ENCODING=QUOTED-PRINTABLE:${'a=\n'.repeat(50_000)}`,
      `N:${'\\;'.repeat(40_000)}`,
      `FN:${'\n '.repeat(100_000)}`,
    ]
    const from = process.cpuUsage()
    for (const line of hostile) await convert(card(line)).catch(() => {})
    const { user, system } = process.cpuUsage(from)
    expect((user + system) / 1_000).toBeLessThan(3_000)
  }, 60_000)
})
