import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { client } from '@clientele/platform/testing/client'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { anImage, largeJpeg } from '../../media-service/test/images.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'
import { type RunningMedia, startMedia } from './start-media.ts'

let media: RunningMedia
let service: Running
let jpeg: Buffer
beforeAll(async () => {
  media = await startMedia()
  service = await startCustomers({ mediaServiceUrl: media.url }, media.broker)
  jpeg = await anImage('jpeg')
})
afterAll(async () => {
  await service?.stop()
  await media?.stop()
})

const form = (
  fields: Record<string, string | string[]>,
  file?: { name?: string; bytes: Buffer; type?: string; filename?: string },
): FormData => {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) for (const each of [value].flat()) data.append(name, each)
  if (file)
    data.append(
      file.name ?? 'photo',
      new Blob([new Uint8Array(file.bytes)], { type: file.type ?? 'image/jpeg' }),
      file.filename ?? 'ana.jpg',
    )
  return data
}
/** The first bytes of a JPEG, followed by this number of zero bytes. */
const jpegOf = (bytes: number) => Buffer.concat([Buffer.from('ffd8ffe000104a46494600', 'hex'), Buffer.alloc(bytes)])
const formFields = () => aCustomer() as Record<string, string>
const mediaIds = async (): Promise<string[]> =>
  (await media.db.query<{ id: string }>('select id from media where deleted_at is null')).map(({ id }) => id)
/** The ids of images that were stored since `before`. Other images may be deleted by events in the meantime. */
const newMediaIds = async (before: string[]) => (await mediaIds()).filter((id) => !before.includes(id))
const customerCount = async () =>
  (await service.db.query<{ count: number }>('select count(*)::int as count from customers'))[0]?.count

describe('POST /v1/customers with a form', () => {
  it.each(['photo', 'picture'])(
    'POST /v1/customers accepts the photo in the field %s and returns a link that an <img> can load',
    async (name) => {
      const fields: Record<string, string> = {
        ...formFields(),
        phone: '+254711000111',
        smsOptOut: 'true',
        metadata: '{"source":"fair"}',
        tags: 'vip, wholesale',
        locale: '',
      }
      const { status, body, headers } = await service.user.post('/v1/customers', form(fields, { name, bytes: jpeg }))
      expect(status).toBe(201)
      expect(headers.get('location')).toBe(`/v1/customers/${body.id}`)
      expect(body).toMatchObject({
        name: fields['name'],
        phone: '+254711000111',
        smsOptOut: true,
        metadata: { source: 'fair' },
        tags: ['vip', 'wholesale'],
        locale: null,
        photoMediaId: expect.any(String),
      })
      const photo = await client(media.url).raw('GET', body.photoUrl)
      expect([photo.status, photo.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^image\//)])
    },
  )

  it('a customer has links to every size of its photo that need no token, the same in a list as by id', async () => {
    const { body } = await service.user.post('/v1/customers', form(formFields(), { bytes: jpeg }))
    expect(body.photoUrl).toBe(body.photoUrls.medium)
    const types: Record<string, string | null> = {}
    for (const [variant, url] of Object.entries<string>(body.photoUrls)) {
      expect(url).toContain(`variant=${variant}&`)
      const { status, headers } = await client(media.url).raw('GET', url)
      types[variant] = status === 200 ? headers.get('content-type') : String(status)
    }
    expect(types).toEqual({ thumb: 'image/webp', medium: 'image/webp', original: 'image/jpeg' })
    const [listed] = (await service.user.get(`/v1/customers?id=${body.id}`)).body.data
    expect(listed.photoUrls).toEqual(body.photoUrls)
    expect((await service.user.get(`/v1/customers/${body.id}`)).body.photoUrls).toEqual(body.photoUrls)
  })

  it('a change of a customer that does not exist is a 404, also if its photo does not exist either', async () => {
    const [missing, mediaId] = [randomUUID(), randomUUID()]
    const photo = { mediaId }
    for (const response of [
      await service.user.patch(`/v1/customers/${missing}`, { photoMediaId: mediaId }),
      await service.user.put(`/v1/customers/${missing}`, { name: 'Ana', surname: 'Berg', photoMediaId: mediaId }),
      await service.user.put(`/v1/customers/${missing}/photo`, photo),
    ])
      expect(response).toMatchObject({ status: 404, body: { code: 'not_found' } })
    const { id } = (await service.user.post('/v1/customers', aCustomer())).body
    const { status, body } = await service.user.patch(`/v1/customers/${id}`, { photoMediaId: mediaId })
    expect([status, body.errors[0]]).toEqual([422, expect.objectContaining({ pointer: '/photoMediaId' })])
  })

  it('PUT of a photo with If-None-Match: * sets the first photo, and returns 412 if there is one', async () => {
    const { id } = (await service.user.post('/v1/customers', aCustomer())).body
    const mediaId = (await service.user.post('/v1/customers', form(formFields(), { bytes: jpeg }))).body.photoMediaId
    const put = () => service.user.put(`/v1/customers/${id}/photo`, { mediaId }, { 'if-none-match': '*' })
    expect(await put()).toMatchObject({ status: 200, body: { photoMediaId: mediaId, version: 2 } })
    expect(await put()).toMatchObject({ status: 412, body: { current: { version: 2 } } })
  })

  it('POST accepts a form without a file, with repeated tags and nested fields', async () => {
    const fields = { ...formFields(), tags: ['a', 'b'], 'address[city]': 'Nairobi', 'metadata[floor]': '3' }
    const { status, body } = await service.user.post('/v1/customers', form(fields))
    expect(status).toBe(201)
    expect(body).toMatchObject({
      tags: ['a', 'b'],
      address: { city: 'Nairobi' },
      metadata: { floor: '3' },
      photoMediaId: null,
      photoUrl: null,
      photoUrls: null,
    })
  })

  it('POST returns 422 with every wrong field of a form and keeps no photo', async () => {
    const before = await mediaIds()
    const fields = { name: 'Ana', email: 'nobody', metadata: '{', version: '3' }
    const { status, body } = await service.user.post('/v1/customers', form(fields, { bytes: jpeg }))
    expect(status).toBe(422)
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      '/email',
      '/metadata',
      '/surname',
      '/version',
    ])
    expect(await newMediaIds(before)).toEqual([])
  })

  it('POST keeps no photo if the customer is a duplicate', async () => {
    const fields = formFields()
    await service.user.post('/v1/customers', fields)
    const before = await mediaIds()
    const { status, body } = await service.user.post('/v1/customers', form(fields, { bytes: jpeg }))
    expect([status, body.code]).toEqual([409, 'duplicate'])
    expect(await newMediaIds(before)).toEqual([])
  })

  it.each([
    [
      'a file that is not the image that it claims to be',
      415,
      { bytes: Buffer.from('<svg onload="alert(1)"/>'), type: 'image/png', filename: 'a.png' },
    ],
    ['a photo that is too large', 413, { bytes: jpegOf(1_200_000), type: 'image/jpeg' }],
    ['a file in an unknown field', 422, { name: 'resume', bytes: Buffer.from('x') }],
  ])('POST refuses %s with %i and creates no customer', async (_what, expected, file) => {
    const before = await customerCount()
    const { status, body } = await service.user.post('/v1/customers', form(formFields(), file))
    expect(status).toBe(expected)
    expect(body.errors[0].pointer).toBe(expected === 422 ? '/resume' : '/photo')
    expect(await customerCount()).toBe(before)
  })

  it('POST refuses two photos and keeps neither', async () => {
    const before = await mediaIds()
    const data = form(formFields(), { bytes: jpeg })
    data.append('picture', new Blob([new Uint8Array(jpeg)]), 'b.jpg')
    expect((await service.user.post('/v1/customers', data)).status).toBe(422)
    expect(await newMediaIds(before)).toEqual([])
  })

  it('POST replays the first response with its photo under the same Idempotency-Key', async () => {
    const fields = formFields()
    const headers = { 'idempotency-key': 'photo-1' }
    const first = await service.user.post('/v1/customers', form(fields, { bytes: jpeg }), headers)
    const before = await mediaIds()
    const again = await service.user.post('/v1/customers', form(fields, { bytes: jpeg }), headers)
    expect(first.status).toBe(201)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.body.photoMediaId).toBe(first.body.photoMediaId)
    expect(await newMediaIds(before)).toEqual([])
    const other = await service.user.post('/v1/customers', form(fields, { bytes: await anImage('png') }), headers)
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_mismatch'])
  })

  it('a form that is corrected after a 422 can be sent again under the same Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'photo-2' }
    const { name, email } = formFields()
    const broken = await service.user.post(
      '/v1/customers',
      form({ name: String(name), email: String(email) }, { bytes: jpeg }),
      headers,
    )
    expect(broken.status).toBe(422)
    const { status, body } = await service.user.post(
      '/v1/customers',
      form({ name: String(name), surname: 'X', email: String(email) }, { bytes: jpeg }),
      headers,
    )
    expect(status).toBe(201)
    expect((await client(media.url).raw('GET', body.photoUrl)).status).toBe(200)
  })

  it('a client that disconnects during its upload leaves no photo and no customer', async () => {
    const before = { media: await mediaIds(), customers: await customerCount() }
    const { token } = await signedInAs('user')
    const url = new URL(service.url)
    const socket = connect(Number(url.port), url.hostname)
    socket.write(
      `POST /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 900000\r\n\r\n` +
        '--b\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n',
    )
    socket.write(await largeJpeg(300, 300))
    await eventually(async () => expect(await media.unfinishedUploads()).toBe(1))
    socket.destroy()
    await eventually(async () => expect(await media.unfinishedUploads()).toBe(0))
    expect(await newMediaIds(before.media)).toEqual([])
    expect(await customerCount()).toBe(before.customers)
  })
})

describe('/v1/customers/{key}/photo', () => {
  const create = async () => (await service.user.post('/v1/customers', formFields())).body

  it('PUT accepts an image, a form or a mediaId, GET redirects to the photo, and DELETE removes it', async () => {
    const { id } = await create()
    const path = `/v1/customers/${id}/photo`
    expect((await service.user.get(path)).status).toBe(404)
    const raw = await service.user.put(path, await anImage('png'), { 'content-type': 'image/png' })
    expect(raw).toMatchObject({ status: 200, body: { version: 2 } })
    const formed = await service.user.put(path, form({}, { bytes: jpeg }))
    expect(formed).toMatchObject({ status: 200, body: { version: 3 } })
    expect(formed.body.photoMediaId).not.toBe(raw.body.photoMediaId)
    for (const variant of ['', '?variant=thumb', '?variant=medium', '?variant=original']) {
      const { status, headers } = await service.user.get(`${path}${variant}`)
      expect(status).toBe(302)
      const photo = await client(media.url).get(headers.get('location') ?? '')
      expect([photo.status, photo.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^image\//)])
    }
    expect((await service.user.get(`${path}?variant=huge`)).status).toBe(400)
    const other = await create()
    const named = await service.user.put(`/v1/customers/${other.id}/photo`, { mediaId: formed.body.photoMediaId })
    expect(named.body.photoMediaId).toBe(formed.body.photoMediaId)
    expect((await service.user.delete(path)).status).toBe(204)
    expect((await service.user.delete(path)).status).toBe(404)
    expect((await service.user.get(`/v1/customers/${id}`)).body).toMatchObject({
      photoMediaId: null,
      photoUrl: null,
      photoUrls: null,
    })
  })

  it('a replaced photo and the photo of a purged customer are deleted from media-service', async () => {
    const { body } = await service.user.post('/v1/customers', form(formFields(), { bytes: jpeg }))
    const exists = async (mediaId: string) =>
      (await client(media.url, (await signedInAs('user')).token).get(`/v1/media/${mediaId}`)).status
    const { body: replaced } = await service.user.put(`/v1/customers/${body.id}/photo`, await anImage('png'), {
      'content-type': 'image/png',
    })
    await eventually(async () => expect(await exists(body.photoMediaId)).toBe(404))
    expect(await exists(replaced.photoMediaId)).toBe(200)
    await service.user.delete(`/v1/customers/${body.id}`)
    expect((await service.user.post(`/v1/customers/${body.id}/restore`)).body.photoMediaId).toBe(replaced.photoMediaId)
    await service.admin.delete(`/v1/customers/${body.id}?purge=true`)
    await eventually(async () => expect(await exists(replaced.photoMediaId)).toBe(404))
  })

  it('a PUT of the customer keeps the photo unless the body names photoMediaId', async () => {
    const { body } = await service.user.post('/v1/customers', form(formFields(), { bytes: jpeg }))
    const path = `/v1/customers/${body.id}`
    expect((await service.user.put(path, { name: 'A', surname: 'B' })).body.photoMediaId).toBe(body.photoMediaId)
    expect((await service.user.put(path, { name: 'A', surname: 'B', photoMediaId: null })).body.photoMediaId).toBeNull()
  })

  it.each(['0190a5c4-6f00-7000-8000-000000000001', 'nonsense'])(
    'PUT and POST return 422 for the unknown mediaId %s',
    async (mediaId) => {
      const { id } = await create()
      expect((await service.user.put(`/v1/customers/${id}/photo`, { mediaId })).body.errors[0].pointer).toBe('/mediaId')
      const { status, body } = await service.user.post('/v1/customers', { ...formFields(), photoMediaId: mediaId })
      expect([status, body.errors[0].pointer]).toEqual([422, '/photoMediaId'])
    },
  )

  it('GET, PUT and DELETE of a photo take idBy', async () => {
    const { id, email } = await create()
    const path = `/v1/customers/${email}/photo?idBy=email`
    const image = { 'content-type': 'image/jpeg' }
    expect((await service.user.put(path, jpeg, image)).body).toMatchObject({ id, photoMediaId: expect.any(String) })
    expect((await service.user.get(`${path}&variant=thumb`)).status).toBe(302)
    expect((await service.user.delete(path)).status).toBe(204)
    expect((await service.user.get(path)).status).toBe(404)
  })

  it('a refused upload keeps no image: 404 for an unknown customer, 412 for an old ETag, 413, 415 and 422', async () => {
    const before = await mediaIds()
    const image = { 'content-type': 'image/jpeg' }
    expect(
      (await service.user.put('/v1/customers/0190a5c4-6f00-7000-8000-000000000001/photo', jpeg, image)).status,
    ).toBe(404)
    const { id } = await create()
    expect((await service.user.put(`/v1/customers/${id}/photo`, jpeg, { ...image, 'if-match': '"7.x"' })).status).toBe(
      412,
    )
    expect(await newMediaIds(before)).toEqual([])
    const huge = await service.user.put(`/v1/customers/${id}/photo`, jpegOf(8_000_000), image)
    expect(huge).toMatchObject({ status: 413, body: { code: 'too_large', limit: expect.any(Number) } })
    expect((await service.user.put(`/v1/customers/${id}/photo`, 'text', { 'content-type': 'text/plain' })).status).toBe(
      415,
    )
    expect((await service.user.put(`/v1/customers/${id}/photo`, form({ name: 'x' }, { bytes: jpeg }))).status).toBe(422)
    expect((await service.user.put(`/v1/customers/${id}/photo`, form({}))).body.errors).toEqual([
      expect.objectContaining({ pointer: '/photo', code: 'required' }),
    ])
    expect(await newMediaIds(before)).toEqual([])
  })

  it('POST with a photo returns 503 with Retry-After while media-service is unavailable, and POST without one works', async () => {
    const isolated = await service.startReplica({ mediaServiceUrl: 'http://127.0.0.1:1' })
    const user = client(isolated.url, (await signedInAs('user')).token)
    const response = await user.post('/v1/customers', form(formFields(), { bytes: jpeg }))
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect((await user.post('/v1/customers', formFields())).status).toBe(201)
    await isolated.stop()
  })

  it('POST and PUT return 503 if the connection to media-service breaks during the upload', async () => {
    const breaking = createServer((socket) => socket.once('data', () => socket.destroy())).listen(0, '127.0.0.1')
    await once(breaking, 'listening')
    const { port } = breaking.address() as AddressInfo
    const { url, stop } = await service.startReplica({ mediaServiceUrl: `http://127.0.0.1:${port}` })
    const user = client(url, (await signedInAs('user')).token)
    const { id } = await create()
    const raw = await user.put(`/v1/customers/${id}/photo`, jpegOf(8_000_000), {
      'content-type': 'image/jpeg',
    })
    expect(raw).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    const formed = await user.post('/v1/customers', form(formFields(), { bytes: jpegOf(8_000_000) }))
    expect(formed).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    await stop()
    breaking.close()
  })
})
