import { crc32 } from 'node:zlib'

const firstChunk = 8
const headerChunk = 25

/** A PNG (ISO/IEC 15948) with one more chunk behind its header. */
export const withPngChunk = (png: Buffer, type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const check = Buffer.alloc(4)
  check.writeUInt32BE(crc32(body))
  const at = firstChunk + headerChunk
  return Buffer.concat([png.subarray(0, at), length, body, check, png.subarray(at)])
}
