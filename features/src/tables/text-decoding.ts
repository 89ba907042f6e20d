import { isUtf8 } from 'node:buffer'
import { type Charset, charsetNamed, detectCharset, wholeUtf8 } from './charset.ts'
import { gunzip, isGzip } from './gunzip.ts'
import { FileFault } from './row.ts'

/** `charset` is what the sender declared; `maxBytes` is the most that a decompressed file may have. */
export type DecodeOptions = { charset?: string | undefined; maxBytes: number }

/** A file as UTF-8 without a byte order mark, and how it was found to be written. */
export type DecodedText = { charset: Charset; gzip: boolean; text: AsyncGenerator<Buffer> }

const sampleBytes = 64 << 10

/**
 * Decompresses a file where it is gzip and makes UTF-8 of it, checked: a byte that its charset does not have ends it with a
 * fault that names the byte's place, so that nothing garbled is taken for text.
 * @throws FileFault, also while `text` is read
 */
export const decodeText = async (
  source: AsyncIterable<Uint8Array>,
  { charset: declared, maxBytes }: DecodeOptions,
): Promise<DecodedText> => {
  const name = declared === undefined ? undefined : charsetNamed(declared)
  if (declared !== undefined && name === undefined)
    throw new FileFault('unknown_charset', `the charset ${JSON.stringify(declared.slice(0, 50))} is not known here`)
  const sent = await peek(source, 3)
  const gzip = isGzip(sent.beginning)
  const plain = await peek(gzip ? gunzip(sent.whole, maxBytes) : limited(sent.whole, maxBytes), sampleBytes)
  const charset = detectCharset(plain.beginning, name)
  return { charset, gzip, text: decoded(plain.whole, charset) }
}

// What has been looked at is given again.
const peek = async (source: AsyncIterable<Uint8Array>, bytes: number) => {
  const chunks = source[Symbol.asyncIterator]()
  const parts: Uint8Array[] = []
  let ended = false
  for (let held = 0; held < bytes && !ended; ) {
    const { value, done = false } = await chunks.next()
    ended = done
    if (done) break
    parts.push(value)
    held += value.length
  }
  const whole = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* parts
      while (!ended) {
        const { value, done = false } = await chunks.next()
        ended = done
        if (!done) yield value
      }
    } finally {
      await chunks.return?.()
    }
  }
  return { beginning: Buffer.concat(parts).subarray(0, bytes), whole: whole() }
}

async function* limited(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new FileFault('too_large', `has more than ${maxBytes} bytes`, { byte: maxBytes })
    yield chunk
  }
}

async function* decoded(source: AsyncIterable<Uint8Array>, { name, bomBytes }: Charset): AsyncGenerator<Buffer> {
  const decode = name === 'utf-8' ? checkedUtf8 : name.startsWith('utf-16') ? fromUtf16(name) : fromSingleBytes(name)
  let place = 0
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of source) {
    const bytes: Buffer =
      rest.length > 0 ? Buffer.concat([rest, chunk]) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    if (place === 0 && bytes.length < Math.max(bomBytes, 4)) {
      rest = bytes
      continue
    }
    const from = place === 0 ? bomBytes : 0
    const { text, used } = decode(bytes.subarray(from), place + from)
    place += from + used
    rest = bytes.subarray(from + used)
    if (text.length > 0) yield text
  }
  const from = place === 0 ? bomBytes : 0
  const { text, used } = decode(rest.subarray(from), place + from)
  if (from + used < rest.length) throw wrong(name, place + from + used)
  if (text.length > 0) yield text
}

/** Decodes all whole characters of `bytes`, whose place in the file is `place`. */
type Decode = (bytes: Buffer, place: number) => { text: Buffer; used: number }

const wrong = (name: string, byte: number): FileFault =>
  new FileFault('wrong_encoding', `byte ${byte} is not ${name}; send it as ${name}, or say which charset it is`, {
    byte,
  })

const checkedUtf8: Decode = (bytes, place) => {
  const used = wholeUtf8(bytes)
  const text = bytes.subarray(0, used)
  if (!isUtf8(text)) throw wrong('utf-8', place + firstInvalid(text))
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

const fromUtf16 =
  (name: string): Decode =>
  (bytes, place) => {
    let used = bytes.length - (bytes.length % 2)
    const swapped = name === 'utf-16be' ? Buffer.from(bytes.subarray(0, used)).swap16() : bytes
    const last = used >= 2 ? swapped.readUInt16LE(used - 2) : 0
    if (last >= 0xd800 && last < 0xdc00) used -= 2
    const text = swapped.toString('utf16le', 0, used)
    if (!text.isWellFormed()) throw wrong(name, place + 2 * loneSurrogate(text))
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

// WHATWG gives bytes without a character in windows-125x control characters: nobody writes those.
const fromSingleBytes = (name: string): Decode => {
  const decoder = new TextDecoder(name)
  const missing = Array.from({ length: 0x80 }, (_, index) => index + 0x80).filter((byte) => {
    const character = new TextDecoder(name).decode(Uint8Array.of(byte))
    return character === '\uFFFD' || (name.startsWith('windows') && /\p{Cc}/u.test(character))
  })
  return (bytes, place) => {
    const found = missing.map((byte) => bytes.indexOf(byte)).filter((at) => at !== -1)
    if (found.length > 0) throw wrong(name, place + Math.min(...found))
    return { text: Buffer.from(decoder.decode(bytes)), used: bytes.length }
  }
}
