import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { eventually } from '@clientele/platform/testing/wait'
import sharp from 'sharp'
import { anImage, type Format, formats, largeJpeg, phonePhoto, pixelBomb, pngSignature } from './images.ts'
import { bytesOf, form, type Setup, startMedia } from './media-setup.ts'

let media: Setup
beforeAll(async () => {
  media = await startMedia({}, { consuming: false })
})
afterAll(() => media.stop())

const original = (id: string) =>
  bytesOf(`${media.service.url}/v1/media/${id}/content`, { authorization: `Bearer ${media.person.token}` })

const storedAs: Record<Format, string> = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  avif: 'image/webp',
  gif: 'image/png',
}

describe('POST /v1/media', () => {
  it.each(formats)('POST /v1/media accepts %s with any file name and content type', async (format) => {
    const { status, headers, body } = await media.user.post(
      '/v1/media',
      form(await anImage(format), { fileName: '../../etc/passwd', type: 'application/x-msdownload' }),
    )
    expect(status).toBe(201)
    expect(headers.get('location')).toBe(`/v1/media/${body.id}`)
    expect(body).toMatchObject({ mimeType: storedAs[format], width: 60, height: 40, version: 1 })
    expect(body.createdBy.id).toBe(media.person.id)
    const { bytes } = await original(body.id)
    expect(bytes.length).toBe(body.bytes)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(body.sha256)
    expect((await sharp(bytes).metadata()).format).toBe(storedAs[format].slice('image/'.length))
    await expect(media.tap.next('media.stored.v1', body.id)).resolves.toMatchObject({ data: { sha256: body.sha256 } })
  })

  it.each(['photo', 'picture'])('POST /v1/media accepts the file in the field %s', async (name) => {
    expect((await media.user.post('/v1/media', form(await anImage('png'), { name }))).status).toBe(201)
  })

  it('GET /v1/media/{id} returns what POST returned', async () => {
    const { body } = await media.user.post('/v1/media', form(await anImage('png')))
    const read = await media.user.get(`/v1/media/${body.id}`)
    expect(read.body).toMatchObject({ id: body.id, sha256: body.sha256, width: 60 })
    expect(read.headers.get('etag')).toMatch(/^"1\./)
  })

  it('POST turns a photo upright and removes EXIF, GPS position and names', async () => {
    const sent = await phonePhoto()
    expect(await sharp(sent).metadata()).toMatchObject({ orientation: 6, width: 80, height: 40 })
    expect(sent.includes('Ana Lovelace')).toBe(true)
    const { body } = await media.user.post('/v1/media', form(sent))
    expect(body).toMatchObject({ width: 40, height: 80 })
    const { bytes } = await original(body.id)
    const { exif, xmp, iptc, icc, orientation } = await sharp(bytes).metadata()
    expect({ exif, xmp, iptc, icc, orientation: orientation ?? 1 }).toEqual({ orientation: 1 })
    expect(bytes.includes('Ana Lovelace')).toBe(false)
    // Turned by 90° to the right, the red left half is the upper half.
    const { data } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true })
    expect(data[0]).toBeGreaterThan(200)
    expect(data[data.length - 1]).toBeGreaterThan(200)
  })

  it('POST removes data after the end of the image', async () => {
    const script = '<script>alert(1)</script>'
    const { body } = await media.user.post(
      '/v1/media',
      form(Buffer.concat([await anImage('jpeg'), Buffer.from(script)])),
    )
    expect((await original(body.id)).bytes.includes(script)).toBe(false)
  })

  it('POST stores the first image of an AVIF sequence', async () => {
    const sequence = await anImage('avif')
    sequence.write('avis', 8, 'latin1')
    const { status, body } = await media.user.post('/v1/media', form(sequence))
    expect([status, body.mimeType, body.width, body.height]).toEqual([201, 'image/webp', 60, 40])
  })

  it('POST takes an image of 100 megapixels, stores it smaller, and notes that', async () => {
    const { status, body } = await media.user.post('/v1/media', form(pixelBomb(10_000)))
    expect([status, body.notes]).toEqual([
      201,
      [{ code: 'reduced', message: expect.stringContaining('40 megapixels') }],
    ])
    expect([body.width, body.height]).toEqual([6_324, 6_324])
    expect((await sharp((await original(body.id)).bytes).metadata()).width).toBe(6_324)
  }, 60_000)

  it('POST takes a JPEG that lacks only its end marker, and notes that', async () => {
    const sent = readFileSync(new URL('./fixtures/without-end.jpg', import.meta.url))
    const { status, body } = await media.user.post('/v1/media', form(sent))
    expect([status, body.notes]).toEqual([201, [{ code: 'end_missing', message: expect.stringContaining('its end') }]])
    expect((await media.user.get(`/v1/media/${body.id}`)).body.notes).toEqual(body.notes)
    const { data } = (await media.tap.next('media.stored.v1', body.id)) as { data: object }
    expect(data).not.toHaveProperty('notes')
    const whole = await media.user.post('/v1/media', form(Buffer.concat([sent, Buffer.of(0xff, 0xd9)])))
    expect([whole.status, whole.body.notes]).toEqual([201, []])
  })

  it('POST /v1/media with the same Idempotency-Key replays the first response and keeps nothing of the second file', async () => {
    const image = await anImage('jpeg', 50, 50)
    const headers = { 'idempotency-key': 'upload-1' }
    const first = await media.user.post('/v1/media', form(image), headers)
    const before = await media.keys()
    const second = await media.user.post('/v1/media', form(image), headers)
    expect(second.status).toBe(201)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(second.body).toEqual(first.body)
    const third = await media.user.post('/v1/media', form(await anImage('jpeg', 51, 50)), headers)
    expect(third).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } })
    await eventually(async () => expect(await media.keys()).toEqual(before))
  })

  it('twenty concurrent uploads are all stored', async () => {
    const image = await largeJpeg(900, 700)
    const responses = await Promise.all(Array.from({ length: 20 }, () => media.user.post('/v1/media', form(image))))
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([201]))
  })
})

describe('Refused uploads', () => {
  let before: string[]
  beforeAll(async () => {
    before = await media.keys()
  })
  afterEach(async () => {
    await eventually(async () => expect(await media.keys()).toEqual(before))
  })

  const heic = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0mif1heic'), Buffer.alloc(100)])
  it.each([
    ['HTML', '<!doctype html><script>alert(1)</script>'],
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'],
    ['an EXE', 'MZ\x90\0\x03\0\0\0\x04'],
    ['a PDF', '%PDF-1.7\n'],
    ['a long text', 'image/png '.repeat(50_000)],
    ['a TIFF', 'II*\0\x08\0\0\0'],
    ['one byte', '\xff'],
  ])('POST /v1/media returns 415 for %s named .png', async (_what, content) => {
    const sent = form(Buffer.from(content), { fileName: 'photo.png', type: 'image/png' })
    const { status, body } = await media.user.post('/v1/media', sent)
    expect({ status, code: body.code }).toEqual({ status: 415, code: 'unsupported_media_type' })
  })

  it.each([
    [
      'junk after the first bytes of a PNG',
      () => Buffer.concat([pngSignature, Buffer.alloc(5_000, 'junk')]),
      'undecodable',
    ],
    ['a JPEG cut in half', async () => (await largeJpeg(300, 300)).subarray(0, 20_000), 'undecodable'],
    [
      'SVG after the first bytes of a GIF',
      () => Buffer.from('GIF89a<svg xmlns="http://www.w3.org/2000/svg"/>'),
      'undecodable',
    ],
    ['31 kB with 256 million pixels', () => pixelBomb(), 'too_many_pixels'],
    ['a few more than 100 million pixels', () => pixelBomb(10_004), 'too_many_pixels'],
  ])('POST /v1/media returns 422 for %s', async (_what, make, code) => {
    const sent = await make()
    expect(sent.length).toBeLessThan(40_000)
    const { status, body } = await media.user.post('/v1/media', form(sent))
    expect(status).toBe(422)
    expect(body.errors).toEqual([expect.objectContaining({ pointer: '/file', code })])
    const sha256 = createHash('sha256').update(sent).digest('hex')
    await expect(media.tap.next('media.rejected.v1')).resolves.toMatchObject({ data: { reason: code, sha256 } })
  })

  it('POST /v1/media returns 413 with the limit for a file that is one byte too large', async () => {
    const limit = media.config.mediaMaxBytes
    const image = await anImage('jpeg')
    const fitting = Buffer.concat([image, Buffer.alloc(limit - image.length)])
    const { status, body } = await media.user.post('/v1/media', form(Buffer.concat([fitting, Buffer.alloc(1)])))
    expect({ status, code: body.code, limit: body.limit }).toEqual({ status: 413, code: 'too_large', limit })
    const fits = await media.user.post('/v1/media', form(fitting))
    expect(fits.status).toBe(201)
    await media.user.delete(`/v1/media/${fits.body.id}`)
  })

  it('POST /v1/media names HEIC, and what to send instead', async () => {
    const { status, body } = await media.user.post('/v1/media', form(heic))
    expect([status, body.detail]).toEqual([415, 'the file is HEIC, which cannot be read; send the photo as JPEG'])
  })

  it('POST /v1/media says of an empty file that it is empty', async () => {
    const { status, body } = await media.user.post('/v1/media', form(Buffer.alloc(0)))
    const message = 'is empty: the file has no content'
    expect([status, body.errors]).toEqual([422, [{ pointer: '/file', code: 'empty', message }]])
  })

  const twoFiles = async () => {
    const data = form(await anImage('png'))
    data.append('photo', new Blob([new Uint8Array(await anImage('png'))]), 'b.png')
    return data
  }
  const withField = async (name: string, value: string) => {
    const data = form(await anImage('png'))
    data.append(name, value)
    return data
  }
  it.each([
    ['two files', twoFiles, '/file', 'too_many'],
    ['an unknown field (mass assignment)', () => withField('createdBy', 'x'), '/createdBy', 'unknown_field'],
    ['a file in another field', async () => form(await anImage('png'), { name: 'avatar' }), '/avatar', 'unknown_field'],
    ['a long field', () => withField('note', 'x'.repeat(5_000)), '', 'too_many'],
    ['no file', async () => Object.assign(new FormData(), {}), '/file', 'required'],
  ])('POST /v1/media returns 422 for %s', async (_what, make, pointer, code) => {
    const { status, body } = await media.user.post('/v1/media', await make())
    expect({ status, errors: body.errors }).toEqual({
      status: 422,
      errors: [expect.objectContaining({ pointer, code })],
    })
  })

  it('POST /v1/media returns 415 for JSON and 400 for a form without a boundary', async () => {
    expect((await media.user.post('/v1/media', { file: 'x' })).status).toBe(415)
    const broken = await media.user.post('/v1/media', 'x', { 'content-type': 'multipart/form-data' })
    expect(broken.status).toBe(400)
  })

  it('POST /v1/media returns 401 without a token before it reads the file', async () => {
    expect((await media.anonymous.post('/v1/media', form(await anImage('png')))).status).toBe(401)
  })
})
