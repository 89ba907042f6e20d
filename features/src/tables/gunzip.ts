import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { FileFault } from './row.ts'

/** Whether a file that begins so is compressed with gzip (RFC 1952). */
export const isGzip = (beginning: Uint8Array): boolean =>
  beginning[0] === 0x1f && beginning[1] === 0x8b && beginning[2] === 8

/**
 * Decompresses while it is read, and stops as soon as more than `maxBytes` came out: nothing of a bomb is kept.
 * @throws FileFault
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
        throw new FileFault('too_large', `has more than ${maxBytes} bytes when it is decompressed`, { byte: maxBytes })
      yield chunk as Buffer
    }
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code === 'Z_DATA_ERROR') throw new FileFault('bad_gzip', 'is not a valid gzip file')
    if (code === 'Z_BUF_ERROR') throw new FileFault('unexpected_end', 'ends within its compressed part')
    throw error
  } finally {
    unzip.destroy()
    input.destroy()
  }
}
