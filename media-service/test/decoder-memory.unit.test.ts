import sharp from 'sharp'
import { isTooLargeToDecode } from '../src/images/decoder-memory.ts'
import { renderImage } from '../src/images/render-image.ts'

const million = 1_000_000
type Header = Parameters<typeof isTooLargeToDecode>[0]
const header = (format: Header['format'], megapixels: number, more: Partial<Header> = {}): Header => ({
  ...{ format, width: megapixels * 1_000, height: 1_000, channels: 3, depth: 'uchar', hasAlpha: false },
  isProgressive: false,
  ...more,
})

describe('The memory of the decoder', () => {
  it.each<[string, Header]>([
    ['a JPEG', header('jpeg', 100, { orientation: 6 })],
    ['a progressive JPEG', header('jpeg', 100, { isProgressive: true, chromaSubsampling: '4:4:4', orientation: 6 })],
    ['a JPEG in CMYK', header('jpeg', 100, { channels: 4, orientation: 6 })],
    ['a PNG of 16 bits', header('png', 100, { channels: 4, depth: 'ushort', hasAlpha: true, orientation: 3 })],
    ['an interlaced PNG', header('png', 100, { channels: 4, isProgressive: true, hasAlpha: true, orientation: 6 })],
    ['a WebP', header('webp', 100, { channels: 4, hasAlpha: true, orientation: 6 })],
    ['a GIF', header('gif', 100, { channels: 4, hasAlpha: true })],
    ['an AVIF of 43 megapixels', header('heif', 43)],
  ])('is enough for %s of 100 megapixels', (_what, image) => {
    expect(isTooLargeToDecode(image)).toBe(false)
  })

  it.each<[string, Header]>([
    [
      'a progressive JPEG in CMYK',
      header('jpeg', 100, { channels: 4, isProgressive: true, chromaSubsampling: '4:4:4:4' }),
    ],
    ['an interlaced PNG of 16 bits', header('png', 100, { channels: 4, depth: 'ushort', isProgressive: true })],
    ['an AVIF of 44 megapixels', header('heif', 44)],
    ['an AVIF of 30 megapixels with transparency', header('heif', 30, { channels: 4, hasAlpha: true })],
  ])('is not enough for %s', (_what, image) => {
    expect(isTooLargeToDecode(image)).toBe(true)
  })

  it('an image that needs too much is refused before it is decoded', async () => {
    const side = 9_800
    const image = await sharp({ create: { width: side, height: side, channels: 4, background: '#4a88' } })
      .toColourspace('rgb16')
      .png({ compressionLevel: 1, progressive: true })
      .toBuffer()
    const task = { kind: 'sanitise', type: 'image/png', bytes: image.length, maxPixels: 100 * million } as const
    let isDecoded = false
    const onHeader = async () => {
      isDecoded = true
    }
    expect(await renderImage(image, task, onHeader)).toMatchObject({ outcome: { reason: 'too_complex' } })
    expect(isDecoded).toBe(false)
  }, 60_000)
})
