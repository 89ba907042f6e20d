import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { decodeText } from '../src/tables/decoding/text-decoding.ts'
import { collect, fileErrorOf, inChunks, repeatPiece } from './table-files.ts'

const maxBytes = 10 << 20
const decode = async (bytes: Uint8Array, charset?: string, sizes?: number[]) => {
  const { text, gzip, charset: found } = await decodeText(inChunks(bytes, sizes), { charset, maxBytes })
  const decoded = (await collect(text)).toString()
  return { gzip, charset: found(), text: decoded }
}
const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16()

describe('Decoding text', () => {
  const text = 'name;Straße\nZoë;€ “x” \u{1F600}\n'
  const small = text.replace(' \u{1F600}', '')
  const cyrillic = 'имя,фамилия\nИван,Петров\n'
  const chinese = '姓名,城市\n李雷,北京\n'
  const cp1252 = Buffer.from(small, 'latin1')
  for (const [character, byte] of [
    ['€', 0x80],
    ['“', 0x93],
    ['”', 0x94],
  ] as const)
    cp1252[small.indexOf(character)] = byte

  it.each([
    ['UTF-8', Buffer.from(text), 'utf-8', 'valid', text],
    ['UTF-8 with a byte order mark', Buffer.from(`\uFEFF${text}`), 'utf-8', 'mark', text],
    ['UTF-16LE with a byte order mark', Buffer.from(`\uFEFF${text}`, 'utf16le'), 'utf-16le', 'mark', text],
    ['UTF-16BE with a byte order mark', utf16be(`\uFEFF${text}`), 'utf-16be', 'mark', text],
    ['UTF-16LE', Buffer.from(text, 'utf16le'), 'utf-16le', 'valid', text],
    ['UTF-16BE', utf16be(text), 'utf-16be', 'valid', text],
    ['UTF-16LE in Cyrillic', Buffer.from(cyrillic, 'utf16le'), 'utf-16le', 'guess', cyrillic],
    ['UTF-16BE in Chinese', utf16be(chinese), 'utf-16be', 'guess', chinese],
    ['UTF-8 with a NUL', Buffer.from('na\0me\nAna\n'), 'utf-8', 'valid', 'na\0me\nAna\n'],
    ['windows-1252', cp1252, 'windows-1252', 'guess', small],
    ['an empty file', Buffer.alloc(0), 'utf-8', 'valid', ''],
    ['one byte', Buffer.from('a'), 'utf-8', 'valid', 'a'],
    ['a byte order mark alone', Buffer.from('\uFEFF'), 'utf-8', 'mark', ''],
  ])('text is decoded from %s in chunks of any size', async (_what, bytes, name, by, expected) => {
    for (const sizes of [[1 << 16], [1], [2, 3]]) {
      expect(await decode(bytes, undefined, sizes)).toMatchObject({
        charset: { name, by },
        gzip: false,
        text: expected,
      })
      expect(await decode(gzipSync(bytes), undefined, sizes)).toMatchObject({
        charset: { name },
        gzip: true,
        text: expected,
      })
    }
  })

  it('a declared charset takes precedence over the detected one', async () => {
    expect((await decode(Buffer.from('Zoë'), 'latin1')).text).toBe('ZoÃ«')
    expect((await decode(Buffer.from([0x5a, 0xa4]), 'ISO-8859-15')).text).toBe('Z€')
    expect((await decode(Buffer.from('\uFEFFa'), 'UTF-8')).text).toBe('a')
    expect((await fileErrorOf(() => decode(Buffer.from('a'), 'no-such-charset'))).code).toBe('unknown_charset')
  })

  it('any text is decoded unchanged from chunks of any size', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 })
    const texts = fc.string({ unit: 'grapheme', maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(texts, sizes, async (value, at) => {
        const whole = value.toWellFormed()
        expect((await decode(Buffer.from(whole), 'utf-8', at)).text).toBe(whole.replace(/^\uFEFF/, ''))
        expect((await decode(Buffer.from(whole, 'utf16le'), 'utf-16le', at)).text).toBe(whole.replace(/^\uFEFF/, ''))
      }),
      { numRuns: 300 },
    )
  })
})

describe('Text in a wrong charset', () => {
  const late = (bytes: number[]): Buffer =>
    Buffer.concat([Buffer.alloc(100_000, 'a'), Buffer.from(bytes), Buffer.from('b')])

  it.each([
    ['UTF-8 followed by windows-1252', late([0xe9, 0x20]), 'utf-8', 100_000],
    ['UTF-8 with half a surrogate pair', late([0xed, 0xa0, 0x80]), 'utf-8', 100_000],
    ['UTF-8 that ends within a character', Buffer.from([0x61, 0xe2, 0x82]), 'utf-8', 1],
    ['UTF-16 that is declared as UTF-8', Buffer.from('\uFEFFa', 'utf16le'), 'utf-8', 0],
    ['UTF-16 with half a surrogate pair', Buffer.from('ab\uD83Dc', 'utf16le'), 'utf-16le', 4],
    ['UTF-16 that ends with half a pair', Buffer.from('ab\uD83D', 'utf16le'), 'utf-16le', 4],
    ['UTF-16 of an odd length', Buffer.from([0x61, 0, 0x62]), 'utf-16le', 2],
    ['windows-1252 with an unassigned byte', Buffer.from([0x61, 0x81]), 'windows-1252', 1],
  ])('decoding reports the offset of the invalid byte in %s', async (_what, bytes, charset, byte) => {
    for (const sizes of [[1 << 20], [7], [1]])
      expect(await fileErrorOf(() => decode(bytes, charset, sizes))).toMatchObject({
        code: 'wrong_encoding',
        position: { byte },
      })
  })
})

describe('Compressed files', () => {
  it('decompression stops at the size limit', async () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20))
    expect(bomb.length).toBeLessThan(100_000)
    const { text } = await decodeText(inChunks(bomb), { maxBytes: 1 << 20, charset: 'utf-8' })
    let bytes = 0
    const error = await fileErrorOf(async () => {
      for await (const chunk of text) bytes += chunk.length
    })
    expect(error.code).toBe('too_large')
    expect(bytes).toBeLessThanOrEqual(1 << 20)
  })

  it('a gzip file inside a gzip file is rejected', async () => {
    expect((await fileErrorOf(() => decode(gzipSync(gzipSync('a,b\n')), 'utf-8'))).code).toBe('wrong_encoding')
  })

  it.each([
    ['is incomplete', gzipSync('a,b\n'.repeat(1000)).subarray(0, 40), 'unexpected_end'],
    ['is broken', Buffer.concat([gzipSync('a,b\n').subarray(0, 12), Buffer.alloc(30, 7)]), 'bad_gzip'],
  ])('a gzip file that %s is rejected', async (_what, bytes, code) => {
    expect((await fileErrorOf(() => decode(bytes))).code).toBe(code)
  })

  it('an uncompressed file that exceeds the limit is rejected while it is read', async () => {
    const { stream, state } = repeatPiece(Buffer.alloc(1 << 16, 'a'), 10 * 2 ** 30)
    const { text } = await decodeText(stream(), { maxBytes: 1 << 20 })
    expect((await fileErrorOf(() => collect(text))).code).toBe('too_large')
    expect(state.bytesRead).toBeLessThan(2 << 20)
  })
})

describe('Files that are no tables', () => {
  it.each([
    ['a PDF', Buffer.from('%PDF-1.7\n')],
    ['a picture', Buffer.from('89504e470d0a1a0a', 'hex')],
    ['a web page or XML', Buffer.from('\r\n<html><table>')],
    ['a text document', Buffer.from('{\\rtf1\\ansi')],
  ])('%s is named, with what to do', async (name, bytes) => {
    const error = await fileErrorOf(() => decode(bytes))
    expect(error).toMatchObject({ code: 'unknown_format' })
    expect(error.message).toMatch(new RegExp(`^the file is ${name}; (save|unpack|export|send) `))
  })
})
