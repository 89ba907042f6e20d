import iconv from 'iconv-lite'
import { findCharset } from '../src/tables/decoding/charset.ts'
import { decodeText } from '../src/tables/decoding/text-decoding.ts'
import { charsetTexts, furtherTexts } from './charset-texts.ts'
import { collect, fileErrorOf, inChunks } from './table-files.ts'

const maxBytes = 10 << 20
const decode = async (bytes: Uint8Array, charset?: string, sizes?: number[]) => {
  const { text, charset: found } = await decodeText(inChunks(bytes, sizes), { charset, maxBytes })
  const decoded = (await collect(text)).toString()
  return { ...found(), text: decoded }
}
const cases = [charsetTexts, furtherTexts].flatMap((byCharset) =>
  Object.entries(byCharset).flatMap(([charset, texts]) =>
    texts.map((text): [string, string, string] => [charset, text.split('\n')[1] ?? '', text]),
  ),
)

describe('Guessing a charset', () => {
  it.each(cases)('%s is recognised by its letters: %s', async (charset, _row, text) => {
    expect(await decode(iconv.encode(text, charset))).toMatchObject({ by: 'guess', text })
  })

  it('a guess takes less than 300 ms of CPU time, whatever the size of the file', async () => {
    const bytes = Buffer.concat(Array.from({ length: 4_000 }, () => iconv.encode(cases[0]?.[2] ?? '', 'windows-1250')))
    const from = process.cpuUsage()
    const { text } = await decodeText(inChunks(bytes), { maxBytes })
    const { user, system } = process.cpuUsage(from)
    expect((user + system) / 1_000).toBeLessThan(300)
    await text.return(undefined)
  })

  it('the first accent decides, however late it comes', async () => {
    const ascii = 'name,city\n'.repeat(20_000)
    for (const [charset, by] of [
      ['windows-1252', 'guess'],
      ['utf-8', 'valid'],
    ] as const) {
      const bytes = Buffer.concat([Buffer.from(ascii), iconv.encode('José,Málaga\n', charset)])
      for (const sizes of [[1 << 20], [1 << 16], [777]])
        expect(await decode(bytes, undefined, sizes)).toMatchObject({
          name: charset,
          by,
          text: `${ascii}José,Málaga\n`,
        })
    }
  })

  it('a byte order mark within a file is no byte order mark', async () => {
    const bytes = Buffer.concat([Buffer.from('a\n'.repeat(50_000)), Buffer.from([0xff, 0xfe, 0x41])])
    expect((await decode(bytes)).by).toBe('guess')
  })
})

describe('Charsets of East Asia', () => {
  const declared = ['shift_jis', 'euc-jp', 'gb18030', 'big5', 'euc-kr']

  it.each(cases.filter(([charset]) => declared.includes(charset)))(
    'text in %s can be declared and comes in chunks of any size: %s',
    async (charset, _row, text) => {
      for (const sizes of [[1 << 16], [1], [2, 3]])
        expect(await decode(iconv.encode(text, charset), charset, sizes)).toMatchObject({ by: 'declared', text })
    },
  )

  it.each([
    ['shift_jis', [0x61, 0x93, 0xfa, 0xff], 3],
    ['euc-kr', [0x61, 0xb1, 0xe8, 0xff], 3],
    ['big5', [0x61, 0xa4, 0xa4, 0xff], 3],
    ['gb18030', [0x61, 0xd6, 0xd0, 0xff], 3],
    ['gb18030', [0x61, 0x81, 0x30], 1],
    ['euc-jp', [0x61, 0xc6], 1],
  ])('decoding reports the offset of the invalid byte in %s %j', async (charset, bytes, byte) => {
    for (const sizes of [[1 << 16], [1]])
      expect(await fileErrorOf(() => decode(Buffer.from(bytes), charset, sizes))).toMatchObject({
        code: 'wrong_encoding',
        position: { byte },
      })
  })

  it('the labels that people know are understood', () => {
    expect(['Shift-JIS', 'GBK', 'gb2312', 'Big5', 'EUC-KR', 'ks_c_5601-1987'].map(findCharset)).toEqual([
      'shift_jis',
      'gbk',
      'gbk',
      'big5',
      'euc-kr',
      'euc-kr',
    ])
    expect(findCharset('iso-2022-jp')).toBeUndefined()
  })
})
