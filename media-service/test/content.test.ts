import { setTimeout as pause } from 'node:timers/promises'
import { signLink } from '@clientele/platform/http/signed-link'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import sharp from 'sharp'
import { anImage, largeJpeg } from './images.ts'
import { bytesOf, form, type Setup, signingKey, startMedia } from './media-setup.ts'

let media: Setup
let photo: { id: string; url: string; bytes: number; variants: { thumb: string; medium: string } }
beforeAll(async () => {
  media = await startMedia({}, { consuming: false })
  photo = (await media.user.post('/v1/media', form(await largeJpeg(1500, 700, 70)))).body
})
afterAll(() => media.stop())

const bearer = () => ({ authorization: `Bearer ${media.person.token}` })
const get = (path: string, headers: Record<string, string> = {}) => bytesOf(`${media.service.url}${path}`, headers)
const content = (headers: Record<string, string> = {}) =>
  get(`/v1/media/${photo.id}/content`, { ...bearer(), ...headers })

describe('GET /v1/media/{id}/content', () => {
  it('GET …/content returns the original with headers that allow caching and forbid scripts', async () => {
    const { status, headers, bytes } = await content()
    expect(status).toBe(200)
    expect(bytes.length).toBe(photo.bytes)
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'image/jpeg',
      'content-length': String(photo.bytes),
      'cache-control': 'private, max-age=86400, immutable',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'content-disposition': `inline; filename="${photo.id}.jpeg"`,
      'accept-ranges': 'bytes',
      etag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
    })
  })

  it.each([
    ['bytes=0-99', 0, 100],
    ['bytes=100-', 100, undefined],
    ['bytes=-50', -50, undefined],
    ['bytes=10-99999999', 10, undefined],
  ])('GET …/content with Range %s returns 206 with those bytes', async (range, start, end) => {
    const whole = (await content()).bytes
    const { status, headers, bytes } = await content({ range })
    expect(status).toBe(206)
    const part = whole.subarray(start, end)
    const first = start < 0 ? whole.length + start : start
    expect(headers.get('content-range')).toBe(`bytes ${first}-${first + part.length - 1}/${whole.length}`)
    expect(bytes.equals(part)).toBe(true)
  })

  it.each(['bytes=5-2', 'bytes=a-b', 'bytes=-', 'lines=1-2', 'bytes=0-1,5-6', ''])(
    'GET …/content with Range "%s" returns the whole content',
    async (range) => {
      expect((await content({ range })).status).toBe(200)
    },
  )

  it('a client that disconnects before the first byte leaves no open stream', async () => {
    const { read } = media.store
    const disconnected = new AbortController()
    const sources: unknown[] = []
    const slowRead = import.meta.jest.spyOn(media.store, 'read').mockImplementation(async (...args) => {
      const source = await read(...args)
      disconnected.abort()
      await pause(200)
      sources.push(source)
      return source
    })
    await expect(
      fetch(`${media.service.url}/v1/media/${photo.id}/content`, { headers: bearer(), signal: disconnected.signal }),
    ).rejects.toThrow('aborted')
    await eventually(() => expect(sources).toEqual([expect.objectContaining({ destroyed: true })]))
    slowRead.mockRestore()
  })

  it('GET …/content returns 416 with the length for a range after the end', async () => {
    for (const range of ['bytes=99999999-', 'bytes=-0']) {
      const { status, headers } = await content({ range })
      expect({ status, range: headers.get('content-range') }).toEqual({ status: 416, range: `bytes */${photo.bytes}` })
    }
  })

  it('GET …/content returns 304 for its ETag, and the whole content if If-Range names another one', async () => {
    const etag = (await content()).headers.get('etag') ?? ''
    expect((await content({ 'if-none-match': etag })).status).toBe(304)
    expect((await content({ 'if-none-match': `"x", W/${etag}` })).status).toBe(304)
    expect((await content({ 'if-none-match': '"x"' })).status).toBe(200)
    expect((await content({ range: 'bytes=0-1', 'if-range': etag })).status).toBe(206)
    expect((await content({ range: 'bytes=0-1', 'if-range': '"x"' })).status).toBe(200)
  })

  it('HEAD …/content returns only the headers', async () => {
    const url = `${media.service.url}/v1/media/${photo.id}/content`
    const response = await fetch(url, { method: 'HEAD', headers: bearer() })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe(String(photo.bytes))
    expect(await response.text()).toBe('')
  })

  it.each([
    ['thumb', 320, 149],
    ['medium', 1024, 478],
  ])(
    'GET …/content?variant=%s returns a small WebP even before the consumer has created it',
    async (variant, width, height) => {
      const path = `/v1/media/${photo.id}/content?variant=${variant}`
      const responses = await Promise.all([get(path, bearer()), get(path, bearer()), get(path, bearer())])
      for (const { status, headers, bytes } of responses) {
        expect(status).toBe(200)
        expect(headers.get('content-type')).toBe('image/webp')
        expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp', width, height })
      }
      expect(new Set(responses.map(({ headers }) => headers.get('etag'))).size).toBe(1)
      expect(responses[0]?.headers.get('etag')).not.toBe((await content()).headers.get('etag'))
    },
  )

  it('a variant of a small image is not enlarged', async () => {
    const { body } = await media.user.post('/v1/media', form(await anImage('png', 30, 20)))
    const { bytes } = await get(body.variants.thumb)
    expect(await sharp(bytes).metadata()).toMatchObject({ width: 30, height: 20 })
  })

  it.each([
    ['?variant=huge', 400],
    ['?size=1', 400],
  ])('GET …/content%s returns %i', async (query, status) => {
    expect((await get(`/v1/media/${photo.id}/content${query}`, bearer())).status).toBe(status)
  })

  it('GET returns 404 for an unknown image and 400 for an invalid id', async () => {
    const unknown = '0190a5c4-6f00-7000-8000-000000000001'
    for (const path of [`/v1/media/${unknown}`, `/v1/media/${unknown}/content?variant=thumb`])
      expect((await media.user.get(path)).status).toBe(404)
    expect((await media.user.get('/v1/media/..%2f..%2fetc%2fpasswd/content')).status).toBe(400)
  })
})

describe('Access to content', () => {
  it('the links in responses work without a header', async () => {
    for (const link of [photo.url, photo.variants.thumb, photo.variants.medium]) {
      const { status, headers } = await get(link)
      expect(status).toBe(200)
      expect(headers.get('content-type')).toMatch(/^image\//)
    }
  })

  const sign = (id: string, { key = signingKey, now = Date.now() } = {}) =>
    signLink(`/v1/media/${id}/content?variant=thumb`, { key, ttlSeconds: 3600, now })

  it.each([
    ['expired', () => sign(photo.id, { now: Date.now() - 2 * 3600_000 })],
    ['signed with another key', () => sign(photo.id, { key: 'x'.repeat(32) })],
    ['of another image', () => sign('0190a5c4-6f00-7000-8000-000000000001').replace(/0190[0-9a-f-]+/, photo.id)],
    ['of another variant', () => sign(photo.id).replace('thumb', 'original')],
    ['changed to expire later', () => sign(photo.id).replace(/expires=\d+/, 'expires=99999999999')],
  ])('GET …/content returns 403 for a link that is %s', async (_what, link) => {
    const { status, body } = await media.anonymous.get(link())
    expect({ status, code: body.code }).toEqual({ status: 403, code: 'forbidden' })
  })

  it('GET …/content returns 401 without token and link, and 403 for a token without the role', async () => {
    const response = await media.anonymous.get(`/v1/media/${photo.id}/content`)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
    const { token } = await signedInAs('nobody')
    expect((await get(`/v1/media/${photo.id}/content`, { authorization: `Bearer ${token}` })).status).toBe(403)
    const garbage = { authorization: 'Bearer a.b.c' }
    expect((await get(`/v1/media/${photo.id}/content`, garbage)).status).toBe(401)
  })

  it('links that are signed with the former or the next key work while the key is changed', async () => {
    const next = 'the next key of the tests, of more than 32 characters'
    const changing = await startMedia({ mediaSigningKey: next, mediaSigningKeysAccepted: [signingKey] })
    try {
      const { body } = await changing.user.post('/v1/media', form(await anImage('jpeg')))
      const sent = (key: string) => bytesOf(changing.service.url + sign(body.id, { key }))
      expect([(await sent(signingKey)).status, (await sent(next)).status]).toEqual([200, 200])
      expect((await sent('x'.repeat(32))).status).toBe(403)
    } finally {
      await changing.stop()
    }
  })

  it('a signed link gives no access to other routes of the image', async () => {
    const query = photo.url.slice(photo.url.indexOf('?'))
    expect((await media.anonymous.get(`/v1/media/${photo.id}${query}`)).status).toBe(401)
    expect((await media.anonymous.raw('DELETE', `/v1/media/${photo.id}${query}`)).status).toBe(401)
  })
})
