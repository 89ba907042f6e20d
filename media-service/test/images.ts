import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'

export const formats = ['jpeg', 'png', 'webp', 'avif', 'gif'] as const
export type Format = (typeof formats)[number]

/** An image whose left half is red and whose right half is blue. */
const drawing = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#ff0000' } }).composite([
    {
      input: { create: { width: Math.ceil(width / 2), height, channels: 3, background: '#0000ff' } },
      left: Math.floor(width / 2),
      top: 0,
    },
  ])

export const anImage = (format: Format, width = 60, height = 40): Promise<Buffer> =>
  drawing(width, height)[format]().toBuffer()

/** A JPEG like that of a phone held upright: stored on its side, with orientation, GPS position and a name in its metadata. */
export const phonePhoto = (): Promise<Buffer> =>
  drawing(80, 40)
    .jpeg()
    .withExif({
      IFD0: { Copyright: 'Ana Lovelace', Make: 'Phonemaker' },
      IFD3: { GPSLatitudeRef: 'S', GPSLatitude: '1/1 17/1 0/1', GPSLongitudeRef: 'E', GPSLongitude: '36/1 49/1 0/1' },
    })
    .withMetadata({ orientation: 6 })
    .toBuffer()

/** A JPEG of noise, which compresses badly and so gives a large file. */
export const largeJpeg = async (width: number, height: number, quality = 100): Promise<Buffer> =>
  sharp({
    create: { width, height, channels: 3, background: '#888', noise: { type: 'gaussian', mean: 128, sigma: 60 } },
  })
    .jpeg({ quality, chromaSubsampling: '4:4:4' })
    .toBuffer()

const chunk = (type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const check = Buffer.alloc(4)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}

export const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** A PNG of few bytes with many pixels, black, one bit each: about 31 kB with 256 million pixels by default. */
export const pixelBomb = (side = 16_000): Buffer => {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(side, 0)
  header.writeUInt32BE(side, 4)
  header[8] = 1
  const rows = deflateSync(Buffer.alloc((side / 8 + 1) * side), { level: 9 })
  return Buffer.concat([pngSignature, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))])
}
