import { isUtf8 } from 'node:buffer'

/** How the bytes of a file are its characters. `by` says where the knowledge comes from. */
export type Charset = { name: string; bomBytes: number; by: 'declaration' | 'mark' | 'content' | 'fallback' }

const marks: [name: string, bytes: number[]][] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
]

// Where one byte is one character, or a character's bytes can be told apart anywhere: a fault has a place.
const known =
  /^(utf-8|utf-16[lb]e|windows-125\d|windows-874|iso-8859-\d{1,2}|koi8-[ru]|macintosh|x-mac-cyrillic|ibm866)$/

/** The name of a charset by one of its labels (WHATWG Encoding), such as `latin1`; undefined for one that is not supported. */
export const charsetNamed = (label: string): string | undefined => {
  try {
    const { encoding } = new TextDecoder(label.trim())
    return known.test(encoding) ? encoding : undefined
  } catch {
    return undefined
  }
}

const markOf = (sample: Uint8Array): [name: string, bytes: number[]] | undefined =>
  marks.find(([, mark]) => mark.every((byte, index) => sample[index] === byte))

/** Cuts an unfinished character off the end of what may be UTF-8. */
export const wholeUtf8 = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) break
    if (byte < 0xc0) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    return back < length ? bytes.length - back : bytes.length
  }
  return bytes.length
}

/**
 * Tells the charset of a file from its beginning: what was declared, else a byte order mark, else UTF-16 where every other
 * byte is mostly NUL, else UTF-8 where it is valid, else `fallback`.
 * @param sample as much as is at hand; 64 KiB are enough
 */
export const detectCharset = (sample: Uint8Array, declared?: string, fallback = 'windows-1252'): Charset => {
  const mark = markOf(sample)
  if (declared !== undefined)
    return { name: declared, bomBytes: mark?.[0] === declared ? mark[1].length : 0, by: 'declaration' }
  if (mark) return { name: mark[0], bomBytes: mark[1].length, by: 'mark' }
  const nuls = [0, 0]
  const looked = Math.min(sample.length, 1000)
  for (let at = 0; at < looked; at += 1) if (sample[at] === 0) nuls[at % 2] = (nuls[at % 2] as number) + 1
  const [even = 0, odd = 0] = nuls
  if (odd > looked / 4 && odd > 4 * even) return { name: 'utf-16le', bomBytes: 0, by: 'content' }
  if (even > looked / 4 && even > 4 * odd) return { name: 'utf-16be', bomBytes: 0, by: 'content' }
  if (isUtf8(sample.subarray(0, wholeUtf8(sample)))) return { name: 'utf-8', bomBytes: 0, by: 'content' }
  return { name: fallback, bomBytes: 0, by: 'fallback' }
}
