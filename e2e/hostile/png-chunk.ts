import { crc32 } from 'node:zlib'

const signatureBytes = 8
const headerChunkBytes = 25

/** Inserts a chunk after the header chunk of a PNG (ISO/IEC 15948). */
export const withPngChunk = (png: Buffer, type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(body))
  const at = signatureBytes + headerChunkBytes
  return Buffer.concat([png.subarray(0, at), length, body, checksum, png.subarray(at)])
}
