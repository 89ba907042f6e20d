import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { createDecoder, type Decoder } from './decoder-process.ts'
import { anImage, type Format, formats, pixelBomb, pngSignature } from './images.ts'
import { bytesOf, form, type Setup, startMedia } from './media-setup.ts'

let decoder: Decoder
let media: Setup
let earlierWorkers: string[]
beforeAll(async () => {
  earlierWorkers = await ownWorkers()
  decoder = await createDecoder()
  media = await startMedia({ imageDecoderUrl: decoder.url, imageSandbox: 'required' })
})
afterAll(async () => {
  await media.stop()
  await decoder.remove()
})

const upload = (image: Buffer) => media.user.post('/v1/media', form(image))
const storedAs: Record<Format, string> = { jpeg: 'jpeg', png: 'png', webp: 'webp', avif: 'webp', gif: 'png' }

/** Worker processes of media-service itself, which runs in the process of this test and of tests before it. */
const ownWorkers = (): Promise<string[]> =>
  promisify(execFile)('pgrep', ['-P', String(process.pid), '-f', 'image-process']).then(
    ({ stdout }) => stdout.trim().split('\n'),
    () => [],
  )

describe('media-service with IMAGE_DECODER_URL', () => {
  it.each(formats)('decodes uploads of %s in the decoder', async (format) => {
    const { status, body } = await upload(await anImage(format))
    expect([status, body.width, body.height]).toEqual([201, 60, 40])
    for (const [variant, type] of [
      ['original', storedAs[format]],
      ['thumb', 'webp'],
    ] as const) {
      const headers = { authorization: `Bearer ${media.person.token}` }
      const content = await bytesOf(`${media.service.url}/v1/media/${body.id}/content?variant=${variant}`, headers)
      expect([content.status, (await sharp(content.bytes).metadata()).format]).toEqual([200, type])
    }
    expect(await decoder.workers()).toHaveLength(1)
    expect((await ownWorkers()).filter((pid) => !earlierWorkers.includes(pid))).toEqual([])
  })

  it('notes what the decoder notes', async () => {
    const { status, body } = await upload(readFileSync(new URL('./fixtures/without-end.jpg', import.meta.url)))
    expect([status, body.notes]).toEqual([201, [expect.objectContaining({ code: 'end_missing' })]])
  })

  it('rejects an upload that the decoder rejects', async () => {
    const bomb = await upload(pixelBomb())
    expect([bomb.status, bomb.body.errors]).toEqual([422, [expect.objectContaining({ code: 'too_many_pixels' })]])
    const broken = await upload(Buffer.concat([pngSignature, Buffer.alloc(100)]))
    expect([broken.status, broken.body.errors]).toEqual([422, [expect.objectContaining({ code: 'undecodable' })]])
  })

  it('responds with 503 while the decoder is stopped, keeps nothing, and serves stored images', async () => {
    const stored = await upload(await anImage('png'))
    const before = (await media.keys()).filter((key) => key.endsWith('.original'))
    await decoder.stop()
    const refused = await upload(await anImage('jpeg'))
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    const keys = await media.keys()
    expect(keys.filter((key) => key.endsWith('.original'))).toEqual(before)
    expect(keys.filter((key) => key.startsWith('incoming/'))).toEqual([])
    const headers = { authorization: `Bearer ${media.person.token}` }
    expect((await bytesOf(`${media.service.url}/v1/media/${stored.body.id}/content`, headers)).status).toBe(200)
    await decoder.start()
    expect((await upload(await anImage('jpeg'))).status).toBe(201)
  })
})
