import { isUtf8 } from 'node:buffer'
import { FileError } from '../row.ts'
import { completeUtf8Length } from './charset.ts'

/**
 * Decodes the complete characters of `bytes`, which begin at `offset` of the file. `used` is the number of bytes of these
 * characters.
 * @throws FileError for the first byte that is invalid
 */
export type Decode = (bytes: Buffer, offset: number) => { text: Buffer; used: number }

/** Creates the error of a byte that is invalid in a charset. */
export const wrongEncoding = (name: string, byte: number): FileError =>
  new FileError(
    'wrong_encoding',
    `byte ${byte} of the file is not valid ${name}; save the file as ${name}, or declare its encoding`,
    { byte },
  )

const decodeUtf8: Decode = (bytes, offset) => {
  const used = completeUtf8Length(bytes)
  const text = bytes.subarray(0, used)
  if (!isUtf8(text)) throw wrongEncoding('utf-8', offset + firstInvalid(text))
  return { text, used }
}

const firstInvalid = (text: Buffer): number => {
  let at = 0
  while (at < text.length) {
    const byte = text[at] as number
    const length = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
    if (byte >= 0x80 && !isUtf8(text.subarray(at, at + length))) return at
    at += length
  }
  return at
}

const utf16Decoder =
  (name: string): Decode =>
  (bytes, offset) => {
    let used = bytes.length - (bytes.length % 2)
    const swapped = name === 'utf-16be' ? Buffer.from(bytes.subarray(0, used)).swap16() : bytes
    const last = used >= 2 ? swapped.readUInt16LE(used - 2) : 0
    if (last >= 0xd800 && last < 0xdc00) used -= 2
    const text = swapped.toString('utf16le', 0, used)
    if (!text.isWellFormed()) throw wrongEncoding(name, offset + 2 * loneSurrogate(text))
    return { text: Buffer.from(text), used }
  }

const loneSurrogate = (text: string): number => {
  const [before = ''] = text.toWellFormed().split('\uFFFD', 1)
  for (let at = before.length; at < text.length; at += 1) {
    const code = text.codePointAt(at) as number
    if (code > 0xffff) at += 1
    else if (code >= 0xd800 && code < 0xe000) return at
  }
  return before.length
}

// The WHATWG standard decodes unassigned bytes of windows-125x as control characters. Here they are invalid.
const singleByteDecoder = (name: string): Decode => {
  const decoder = new TextDecoder(name)
  const missing = Array.from({ length: 0x80 }, (_, index) => index + 0x80).filter((byte) => {
    const character = new TextDecoder(name).decode(Uint8Array.of(byte))
    return character === '\uFFFD' || (name.startsWith('windows') && /\p{Cc}/u.test(character))
  })
  return (bytes, offset) => {
    const found = missing.map((byte) => bytes.indexOf(byte)).filter((at) => at !== -1)
    if (found.length > 0) throw wrongEncoding(name, offset + Math.min(...found))
    return { text: Buffer.from(decoder.decode(bytes)), used: bytes.length }
  }
}

/** The bytes of the longest character in the charsets of East Asia, in GB18030. */
const longestCharacter = 4

const multiByteDecoder = (name: string): Decode => {
  /** @returns undefined if a character is invalid; an incomplete one at the end is not, if `isOpen` */
  const decode = (bytes: Buffer, isOpen: boolean): string | undefined => {
    try {
      const text = new TextDecoder(name, { fatal: true }).decode(bytes, { stream: isOpen })
      // Bytes that stand for no character of Unicode are decoded as private ones.
      return /\uFFFD|\p{Co}/u.test(text) ? undefined : text
    } catch {
      return undefined
    }
  }
  const decodeComplete = (bytes: Buffer): ReturnType<Decode> | undefined => {
    for (let used = bytes.length; used >= 0 && used > bytes.length - longestCharacter; used -= 1) {
      const text = decode(bytes.subarray(0, used), false)
      if (text !== undefined) return { text: Buffer.from(text), used }
    }
    return undefined
  }
  /** Finds the length of the longest valid beginning by halves. */
  const validLength = (bytes: Buffer): number => {
    let valid = 0
    for (let invalid = bytes.length; invalid - valid > 1; ) {
      const middle = (valid + invalid) >> 1
      if (decode(bytes.subarray(0, middle), true) === undefined) invalid = middle
      else valid = middle
    }
    return decodeComplete(bytes.subarray(0, valid))?.used ?? valid
  }
  return (bytes, offset) => {
    const decoded = decode(bytes, true) === undefined ? undefined : decodeComplete(bytes)
    if (!decoded) throw wrongEncoding(name, offset + validLength(bytes))
    return decoded
  }
}

/** Creates the decoder of a charset that `findCharset` returns. */
export const createDecoder = (name: string): Decode => {
  if (name === 'utf-8') return decodeUtf8
  if (name.startsWith('utf-16')) return utf16Decoder(name)
  return /^(shift_jis|euc-|gb|big5)/.test(name) ? multiByteDecoder(name) : singleByteDecoder(name)
}
