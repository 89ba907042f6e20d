import { isAscii } from 'node:buffer'
import { FileError } from '../row.ts'
import { isZip, type PackedInfo } from '../workbook/packed-table.ts'
import { unpackFile } from '../workbook/unpack-file.ts'
import { limitBytes, peek, prepend } from './byte-streams.ts'
import { type Charset, detectByteCharset, detectCharset, findCharset } from './charset.ts'
import { createDecoder, wrongEncoding } from './decoders.ts'
import { describeOtherFile } from './file-kind.ts'
import { gunzip, isGzip } from './gunzip.ts'

/**
 * `charset` is the declared one. `sheet` is the name or the number of a sheet, if the file is a workbook. `maxBytes` limits the size
 * after decompression.
 */
export type DecodeOptions = { charset?: string | undefined; sheet?: string | undefined; maxBytes: number }

/**
 * A file as UTF-8 without a byte order mark, its original charset and compression, and what it was packed in. `charset` is final once
 * `text` was read: a file that begins with ASCII shows its charset at the first other byte.
 */
export type DecodedText = PackedInfo & { charset: () => Charset; gzip: boolean; text: AsyncGenerator<Buffer> }

const sampleBytes = 64 << 10

const tooLarge = (maxBytes: number): FileError =>
  new FileError('too_large', `the file has more than ${maxBytes} bytes`, { byte: maxBytes })

/**
 * Decompresses a file if it is gzip, unpacks it if it is a workbook or an archive, and converts it to UTF-8. Fails at the first byte
 * that is invalid in its charset, so that no garbled text is imported.
 * @throws FileError, also while `text` is read
 */
export const decodeText = async (source: AsyncIterable<Uint8Array>, options: DecodeOptions): Promise<DecodedText> => {
  const { charset: declared, maxBytes } = options
  const name = declared === undefined ? undefined : findCharset(declared)
  if (declared !== undefined && name === undefined)
    throw new FileError('unknown_charset', `the charset ${JSON.stringify(declared.slice(0, 50))} is not supported`)
  const input = await peek(source, 3)
  const gzip = isGzip(input.beginning)
  const decompressed = await peek(
    gzip ? gunzip(input.whole, maxBytes) : limitBytes(input.whole, maxBytes, tooLarge),
    sampleBytes,
  )
  if (isZip(decompressed.beginning)) return decodePacked(decompressed.whole, options)
  const other = describeOtherFile(decompressed.beginning)
  if (other !== undefined) throw new FileError('unknown_format', `the file is ${other}`)
  let charset = await detectCharset(decompressed.beginning, name)
  const isOpen = charset.by === 'valid' && charset.name === 'utf-8' && isAscii(decompressed.beginning)
  const decide = async (sample: Buffer): Promise<Charset> => {
    charset = await detectByteCharset(sample)
    return charset
  }
  const text = isOpen ? decodeAfterAscii(decompressed.whole, decide) : decodeChunks(decompressed.whole, charset)
  return { charset: () => charset, gzip, text }
}

/** Passes ASCII on, which is the same in all charsets that may follow. The charset is decided at the first other byte. */
async function* decodeAfterAscii(
  source: AsyncGenerator<Uint8Array>,
  decide: (sample: Buffer) => Promise<Charset>,
): AsyncGenerator<Buffer> {
  let offset = 0
  for (;;) {
    const { value, done = false } = await source.next()
    if (done) return
    const chunk = Buffer.from(value.buffer, value.byteOffset, value.length)
    const asciiLength = isAscii(chunk) ? chunk.length : chunk.findIndex((byte) => byte >= 0x80)
    if (asciiLength > 0) yield chunk.subarray(0, asciiLength)
    offset += asciiLength
    if (asciiLength === chunk.length) continue
    const others = await peek(prepend(chunk.subarray(asciiLength), source), sampleBytes)
    yield* decodeChunks(others.whole, await decide(others.beginning), offset)
    return
  }
}

// The text of a sheet is written by us.
const sheetCharset: Charset = { name: 'utf-8', bomBytes: 0, by: 'valid' }

const decodePacked = async (source: AsyncIterable<Uint8Array>, options: DecodeOptions): Promise<DecodedText> => {
  const { info, bytes, discard } = await unpackFile(source, { sheet: options.sheet, maxBytes: options.maxBytes })
  try {
    const charset = info.workbook ? 'utf-8' : options.charset
    const decoded = await decodeText(bytes, { ...options, charset })
    return { ...decoded, ...info, ...(info.workbook && { charset: () => sheetCharset }) }
  } catch (error) {
    await discard()
    throw error
  }
}

/** @param start the offset of `source` in the file; a byte order mark is only at 0 */
async function* decodeChunks(
  source: AsyncIterable<Uint8Array>,
  { name, bomBytes }: Charset,
  start = 0,
): AsyncGenerator<Buffer> {
  const decode = createDecoder(name)
  let offset = start
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of source) {
    const bytes: Buffer =
      rest.length > 0 ? Buffer.concat([rest, chunk]) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    if (offset === start && bytes.length < Math.max(bomBytes, 4)) {
      rest = bytes
      continue
    }
    const from = offset === start ? bomBytes : 0
    const { text, used } = decode(bytes.subarray(from), offset + from)
    offset += from + used
    rest = bytes.subarray(from + used)
    if (text.length > 0) yield text
  }
  const from = offset === start ? bomBytes : 0
  const { text, used } = decode(rest.subarray(from), offset + from)
  if (from + used < rest.length) throw wrongEncoding(name, offset + from + used)
  if (text.length > 0) yield text
}
