import { isUtf8 } from 'node:buffer'
import { type Charset, completeUtf8Length, detectCharset, findCharset } from './charset.ts'
import { describeOtherFile } from './file-kind.ts'
import { gunzip, isGzip } from './gunzip.ts'
import { FileError } from './row.ts'
import { isZip, type PackedInfo } from './workbook/packed-table.ts'
import { unpackFile } from './workbook/unpack-file.ts'

/**
 * `charset` is the declared one. `sheet` is the name or the number of a sheet, if the file is a workbook. `maxBytes` limits the size
 * after decompression.
 */
export type DecodeOptions = { charset?: string | undefined; sheet?: string | undefined; maxBytes: number }

/** A file as UTF-8 without a byte order mark, its original charset and compression, and what it was packed in. */
export type DecodedText = PackedInfo & { charset: Charset; gzip: boolean; text: AsyncGenerator<Buffer> }

const sampleBytes = 64 << 10

/**
 * Decompresses a file if it is gzip, unpacks it if it is a workbook or an archive, and converts it to UTF-8. Fails at the first byte that is invalid in its charset, so that no
 * garbled text is imported.
 * @throws FileError, also while `text` is read
 */
export const decodeText = async (source: AsyncIterable<Uint8Array>, options: DecodeOptions): Promise<DecodedText> => {
  const { charset: declared, maxBytes } = options
  const name = declared === undefined ? undefined : findCharset(declared)
  if (declared !== undefined && name === undefined)
    throw new FileError('unknown_charset', `the charset ${JSON.stringify(declared.slice(0, 50))} is not supported`)
  const input = await peek(source, 3)
  const gzip = isGzip(input.beginning)
  const decompressed = await peek(gzip ? gunzip(input.whole, maxBytes) : limitBytes(input.whole, maxBytes), sampleBytes)
  if (isZip(decompressed.beginning)) return decodePacked(decompressed.whole, options)
  const other = describeOtherFile(decompressed.beginning)
  if (other !== undefined) throw new FileError('unknown_format', `the file is ${other}`)
  const charset = detectCharset(decompressed.beginning, name)
  return { charset, gzip, text: decodeChunks(decompressed.whole, charset) }
}

const decodePacked = async (source: AsyncIterable<Uint8Array>, options: DecodeOptions): Promise<DecodedText> => {
  const { info, bytes, discard } = await unpackFile(source, { sheet: options.sheet, maxBytes: options.maxBytes })
  try {
    const charset = info.workbook ? 'utf-8' : options.charset
    return { ...(await decodeText(bytes, { ...options, charset })), ...info }
  } catch (error) {
    await discard()
    throw error
  }
}

// Reads the first `bytes` bytes. `whole` yields them again, followed by the other bytes.
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

async function* limitBytes(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    if (bytes > maxBytes)
      throw new FileError('too_large', `the file has more than ${maxBytes} bytes`, { byte: maxBytes })
    yield chunk
  }
}

async function* decodeChunks(source: AsyncIterable<Uint8Array>, { name, bomBytes }: Charset): AsyncGenerator<Buffer> {
  const decode =
    name === 'utf-8' ? decodeUtf8 : name.startsWith('utf-16') ? utf16Decoder(name) : singleByteDecoder(name)
  let offset = 0
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of source) {
    const bytes: Buffer =
      rest.length > 0 ? Buffer.concat([rest, chunk]) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    if (offset === 0 && bytes.length < Math.max(bomBytes, 4)) {
      rest = bytes
      continue
    }
    const from = offset === 0 ? bomBytes : 0
    const { text, used } = decode(bytes.subarray(from), offset + from)
    offset += from + used
    rest = bytes.subarray(from + used)
    if (text.length > 0) yield text
  }
  const from = offset === 0 ? bomBytes : 0
  const { text, used } = decode(rest.subarray(from), offset + from)
  if (from + used < rest.length) throw wrongEncoding(name, offset + from + used)
  if (text.length > 0) yield text
}

/**
 * Decodes the complete characters of `bytes`, which begin at `offset` of the file. `used` is the number of bytes of these
 * characters.
 */
type Decode = (bytes: Buffer, offset: number) => { text: Buffer; used: number }

const wrongEncoding = (name: string, byte: number): FileError =>
  new FileError(
    'wrong_encoding',
    `byte ${byte} of the file is not valid ${name}; save the file as ${name}, or declare its encoding`,
    {
      byte,
    },
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
