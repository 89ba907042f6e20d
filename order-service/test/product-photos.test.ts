import { client } from '@clientele/platform/testing/client'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { type RunningMedia, startMedia } from '../../customer-service/test/start-media.ts'
import { anImage } from '../../media-service/test/images.ts'
import { aProduct, type Running, startOrders } from './start.ts'

let media: RunningMedia
let service: Running
let jpeg: Buffer
beforeAll(async () => {
  media = await startMedia()
  service = await startOrders({ mediaServiceUrl: media.url }, media.broker)
  jpeg = await anImage('jpeg')
})
afterAll(async () => {
  await service?.stop()
  await media?.stop()
})

const form = (fields: Record<string, string>, file?: { name?: string; bytes?: Buffer; type?: string }): FormData => {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) data.append(name, value)
  if (!file) return data
  const { name = 'photo', bytes = jpeg, type = 'image/jpeg' } = file
  data.append(name, new Blob([new Uint8Array(bytes)], { type }), 'shoe.jpg')
  return data
}
const textFields = (): Record<string, string> => ({ ...aProduct(), stock: '100' })
const create = async () => {
  const { body } = await service.user.post('/v1/products', aProduct())
  return { id: body.id as string, path: `/v1/products/${body.id}`, photo: `/v1/products/${body.id}/photo` }
}
const mediaIds = async (): Promise<string[]> =>
  (await media.db.query<{ id: string }>('select id from media where deleted_at is null')).map(({ id }) => id)
const mediaStatus = async (id: string) =>
  (await client(media.url, (await signedInAs('user')).token).get(`/v1/media/${id}`)).status

describe('A product with a photo from one form', () => {
  it.each(['photo', 'picture'])('POST /v1/products accepts the file in the form field %s', async (name) => {
    const fields: Record<string, string> = {
      ...textFields(),
      active: 'false',
      lowStockAt: '5',
      description: '',
      currency: 'usd',
    }
    const { status, body, headers } = await service.user.post('/v1/products', form(fields, { name }))
    expect(status).toBe(201)
    expect(headers.get('location')).toBe(`/v1/products/${body.id}`)
    expect(body).toMatchObject({
      ...{ name: fields['name'], price: '2.20', currency: 'USD', stock: 100, lowStockAt: 5 },
      ...{ active: false, description: null, photoMediaId: expect.any(String) },
    })
    const photo = await client(media.url).raw('GET', body.photoUrl)
    expect([photo.status, photo.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^image\//)])
  })

  it('a product has links to every size of its photo, also in a list', async () => {
    const { body } = await service.user.post('/v1/products', form(textFields(), {}))
    for (const [variant, url] of Object.entries<string>(body.photoUrls)) {
      expect(url).toContain(`variant=${variant}&`)
      expect((await client(media.url).raw('GET', url)).status).toBe(200)
    }
    const [listed] = (await service.user.get(`/v1/products?id=${body.id}`)).body.data
    expect(listed.photoUrls).toEqual(body.photoUrls)
    expect(Object.keys(listed.photoUrls)).toEqual(['thumb', 'medium', 'original'])
  })

  it('no photo is kept after a 422 that names every invalid field, or after a 409 for a taken SKU', async () => {
    const taken = textFields()
    await service.user.post('/v1/products', taken)
    const before = await mediaIds()
    const wrong = await service.user.post('/v1/products', form({ price: '2.223', stock: 'many', id: '1' }, {}))
    expect(wrong.status).toBe(422)
    expect(wrong.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      ...['/id', '/name', '/price', '/stock'],
    ])
    expect((await service.user.post('/v1/products', form(taken, {}))).status).toBe(409)
    expect(await mediaIds()).toEqual(before)
  })

  it('POST refuses a different form with the same Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'photo-1' }
    const first = await service.user.post('/v1/products', form(textFields(), {}), headers)
    expect(first.status).toBe(201)
    const { status, body } = await service.user.post('/v1/products', form(textFields(), {}), headers)
    expect([status, body.code]).toEqual([422, 'idempotency_mismatch'])
  })
})

describe('/v1/products/{key}/photo', () => {
  it('PUT accepts a raw image, a form or a mediaId; GET redirects to the image; DELETE removes it', async () => {
    const { path, photo } = await create()
    expect((await service.user.get(photo)).status).toBe(404)
    const raw = await service.user.put(photo, await anImage('png'), { 'content-type': 'image/png' })
    expect(raw).toMatchObject({ status: 200, body: { version: 2, photoMediaId: expect.any(String) } })
    const formed = await service.user.put(photo, form({}, {}))
    expect(formed).toMatchObject({ status: 200, body: { version: 3 } })
    for (const variant of ['', '?variant=thumb', '?variant=original']) {
      const { status, headers } = await service.user.get(`${photo}${variant}`)
      expect(status).toBe(302)
      expect((await client(media.url).get(headers.get('location') ?? '')).status).toBe(200)
    }
    const other = await create()
    const named = await service.user.put(other.photo, { mediaId: formed.body.photoMediaId })
    expect(named.body.photoMediaId).toBe(formed.body.photoMediaId)
    expect((await service.user.delete(photo)).status).toBe(204)
    expect((await service.user.delete(photo)).status).toBe(404)
    expect((await service.user.get(path)).body).toMatchObject({ photoMediaId: null, photoUrl: null, photoUrls: null })
  })

  it('a replaced photo and the photo of a purged product are removed from the store', async () => {
    const { path, photo } = await create()
    const put = async (type: 'jpeg' | 'png') =>
      (await service.user.put(photo, await anImage(type), { 'content-type': `image/${type}` })).body.photoMediaId
    const [first, second] = [await put('jpeg'), await put('png')]
    await eventually(async () => expect(await mediaStatus(first)).toBe(404))
    await service.user.delete(path)
    expect((await service.user.post(`${path}/restore`)).body.photoMediaId).toBe(second)
    await service.admin.delete(`${path}?purge=true`)
    await eventually(async () => expect(await mediaStatus(second)).toBe(404))
  })

  it('PUT of a product keeps the photo if the body has no photoMediaId', async () => {
    const { path, photo } = await create()
    const { photoMediaId } = (await service.user.put(photo, jpeg, { 'content-type': 'image/jpeg' })).body
    expect((await service.user.put(path, { name: 'A', price: 1 })).body.photoMediaId).toBe(photoMediaId)
    expect((await service.user.put(path, { name: 'A', price: 1, photoMediaId: null })).body.photoMediaId).toBeNull()
  })

  it('a deleted image is removed from its product, even in the trash', async () => {
    const { id, path } = await create()
    const deletedMediaId = '0190a5c4-6f00-7000-8000-0000000000aa'
    await service.db.query('update products set photo_media_id = $1 where id = $2', [deletedMediaId, id])
    await service.user.delete(path)
    const event = {
      ...{ specversion: '1.0', id: '0190a5c4-6f00-7000-8000-0000000000ab', source: '/media-service' },
      ...{ type: 'media.deleted.v1', subject: deletedMediaId, time: new Date().toISOString() },
      datacontenttype: 'application/json',
      data: { id: deletedMediaId, reason: 'requested', version: 2, actor: { id: 'somebody', displayName: 'Somebody' } },
    }
    await service.broker.publish(event)
    await eventually(async () => {
      const [row] = await service.db.query('select photo_media_id, version from products where id = $1', [id])
      expect(row).toEqual({ photo_media_id: null, version: 3 })
    })
  })

  it.each(['0190a5c4-6f00-7000-8000-000000000001', 'nonsense'])(
    'PUT and PATCH return 422 for the mediaId %s',
    async (mediaId) => {
      const { path, photo } = await create()
      expect((await service.user.put(photo, { mediaId })).body.errors[0].pointer).toBe('/mediaId')
      const { status, body } = await service.user.patch(path, { photoMediaId: mediaId })
      expect([status, body.errors[0].pointer]).toEqual([422, '/photoMediaId'])
    },
  )

  it('an upload for an unknown product returns 404, one with an old ETag 412, and neither is kept', async () => {
    const before = await mediaIds()
    const image = { 'content-type': 'image/jpeg' }
    const unknownProduct = '/v1/products/0190a5c4-6f00-7000-8000-000000000001/photo'
    expect((await service.user.put(unknownProduct, jpeg, image)).status).toBe(404)
    const { photo } = await create()
    expect((await service.user.put(photo, jpeg, { ...image, 'if-match': '"7.x"' })).status).toBe(412)
    expect((await service.user.put(photo, 'text', { 'content-type': 'text/plain' })).status).toBe(415)
    expect(await mediaIds()).toEqual(before)
  })

  it('while media-service is unavailable a form with a photo returns 503 with Retry-After, and everything else works', async () => {
    const withoutMedia = await service.startReplica({ mediaServiceUrl: 'http://127.0.0.1:1' })
    const user = client(withoutMedia.url, (await signedInAs('user')).token)
    const response = await user.post('/v1/products', form(textFields(), {}))
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect((await user.post('/v1/products', aProduct())).status).toBe(201)
    await withoutMedia.stop()
  })
})
