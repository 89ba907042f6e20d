import { createCipheriv } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'

export type Photo = { type: string; name: string; path: string; bytes: number }

// Noise cannot be compressed, so its images are as large as images get. The noise is always the same.
const noise = (bytes: number): Buffer => {
  const key = Buffer.alloc(16, 'clientele')
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(bytes))
}

const kinds = [
  {
    type: 'image/jpeg',
    name: 'photo.jpg',
    sides: [4_700, 3_480],
    encode: (image: Sharp) => image.jpeg({ quality: 98 }),
  },
  {
    type: 'image/png',
    name: 'photo.png',
    sides: [3_000, 2_220],
    encode: (image: Sharp) => image.png({ compressionLevel: 0 }),
  },
  {
    type: 'image/webp',
    name: 'photo.webp',
    sides: [3_000, 2_500],
    encode: (image: Sharp) => image.webp({ quality: 100, effort: 0 }),
  },
] as const

/** A JPEG, a PNG and a WebP of about 20 MB each, as files in `folder`. */
export const largePhotos = async (folder: string): Promise<Photo[]> => {
  const photos: Photo[] = []
  for (const { type, name, sides, encode } of kinds) {
    const [width, height] = sides
    const raw = { width, height, channels: 3 as const }
    const data = await encode(sharp(noise(width * height * 3), { raw })).toBuffer()
    const path = join(folder, name)
    await writeFile(path, data)
    photos.push({ type, name, path, bytes: data.length })
  }
  return photos
}
