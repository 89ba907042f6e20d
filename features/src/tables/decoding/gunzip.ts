import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { FileError } from '../row.ts'

/** Whether a file with these first bytes is compressed with gzip (RFC 1952). */
export const isGzip = (beginning: Uint8Array): boolean =>
  beginning[0] === 0x1f && beginning[1] === 0x8b && beginning[2] === 8

/**
 * Decompresses a stream. Stops as soon as there are more than `maxBytes`, which protects against decompression bombs.
 * @throws FileError
 */
export async function* gunzip(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Buffer> {
  const input = Readable.from(source, { objectMode: false })
  const unzip = createGunzip({ chunkSize: 64 << 10 })
  input.on('error', (error) => unzip.destroy(error))
  let bytes = 0
  try {
    for await (const chunk of input.pipe(unzip)) {
      bytes += (chunk as Buffer).length
      if (bytes > maxBytes)
        throw new FileError('too_large', `the file has more than ${maxBytes} bytes after decompression`, {
          byte: maxBytes,
        })
      yield chunk as Buffer
    }
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code === 'Z_DATA_ERROR')
      throw new FileError('bad_gzip', 'the file is not valid gzip; compress it again or send it uncompressed')
    if (code === 'Z_BUF_ERROR')
      throw new FileError('unexpected_end', 'the compressed file is incomplete; send it again')
    throw error
  } finally {
    unzip.destroy()
    input.destroy()
  }
}
