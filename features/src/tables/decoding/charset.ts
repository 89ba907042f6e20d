import { isUtf8 } from 'node:buffer'
import type { EncodingSource } from '@clientele/contracts/imports/import'
import { guessCharset } from './charset-guess.ts'

/** The character encoding of a file. `by` says how it was determined. */
export type Charset = { name: string; bomBytes: number; by: EncodingSource }

const byteOrderMarks: [name: string, bytes: number[]][] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
]

// Charsets with states, such as ISO-2022-JP, are not supported: a file could not be decoded in parts.
const supported =
  /^(utf-8|utf-16[lb]e|windows-125\d|windows-874|iso-8859-\d{1,2}|koi8-[ru]|macintosh|x-mac-cyrillic|ibm866|shift_jis|euc-jp|euc-kr|gbk|gb18030|big5)$/

/**
 * Returns the name of a charset by its label in the WHATWG Encoding Standard: `latin1` → `windows-1252`. Undefined if not
 * supported.
 */
export const findCharset = (label: string): string | undefined => {
  try {
    const { encoding } = new TextDecoder(label.trim())
    return supported.test(encoding) ? encoding : undefined
  } catch {
    return undefined
  }
}

const findByteOrderMark = (sample: Uint8Array): [name: string, bytes: number[]] | undefined =>
  byteOrderMarks.find(([, mark]) => mark.every((byte, index) => sample[index] === byte))

/** Returns the length of `bytes` without an incomplete UTF-8 character at the end. */
export const completeUtf8Length = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) break
    if (byte < 0xc0) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    return back < length ? bytes.length - back : bytes.length
  }
  return bytes.length
}

/** Determines the charset of text with no byte order mark that is not UTF-16: UTF-8 if its bytes are valid, else a guess. */
export const detectByteCharset = async (sample: Buffer): Promise<Charset> =>
  isUtf8(sample.subarray(0, completeUtf8Length(sample)))
    ? { name: 'utf-8', bomBytes: 0, by: 'valid' }
    : { name: await guessCharset(sample), bomBytes: 0, by: 'guess' }

/** Whether a text in UTF-16 has a line break. `high` is the offset of the high byte of a character: 1 for UTF-16LE. */
const hasUtf16LineBreak = (sample: Buffer, high: 0 | 1): boolean => {
  for (let at = 0; at + 1 < sample.length; at += 2)
    if (sample[at + high] === 0 && (sample[at + 1 - high] === 10 || sample[at + 1 - high] === 13)) return true
  return false
}

/**
 * Determines the charset of a file from its first bytes: the declared one, else that of the byte order mark, else UTF-16 if most
 * bytes at even or odd offsets are NUL, or if only those of line breaks and the like are, else UTF-8 if the bytes are valid UTF-8,
 * else a guess by the letters.
 * @param sample the first bytes; 64 KiB are enough
 */
export const detectCharset = async (sample: Buffer, declared?: string): Promise<Charset> => {
  const mark = findByteOrderMark(sample)
  if (declared !== undefined)
    return { name: declared, bomBytes: mark?.[0] === declared ? mark[1].length : 0, by: 'declared' }
  if (mark) return { name: mark[0], bomBytes: mark[1].length, by: 'mark' }
  const nuls = [0, 0]
  const checkedBytes = Math.min(sample.length, 1000)
  for (let at = 0; at < checkedBytes; at += 1) if (sample[at] === 0) nuls[at % 2] = (nuls[at % 2] as number) + 1
  const [even = 0, odd = 0] = nuls
  if (odd > checkedBytes / 4 && odd > 4 * even) return { name: 'utf-16le', bomBytes: 0, by: 'valid' }
  if (even > checkedBytes / 4 && even > 4 * odd) return { name: 'utf-16be', bomBytes: 0, by: 'valid' }
  // In other scripts than the Latin one, only line breaks, spaces and delimiters have a NUL.
  if (even === 0 && hasUtf16LineBreak(sample, 1)) return { name: 'utf-16le', bomBytes: 0, by: 'guess' }
  if (odd === 0 && hasUtf16LineBreak(sample, 0)) return { name: 'utf-16be', bomBytes: 0, by: 'guess' }
  return detectByteCharset(sample)
}
