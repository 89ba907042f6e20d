import { client } from '@clientele/platform/testing/client'
import { tokenFor } from '@clientele/platform/testing/tokens'
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
  (await client(media.url, (await tokenFor('user')).token).get(`/v1/media/${id}`)).status

describe('a product with a photo from one form', () => {
  it.each(['photo', 'picture'])('POST /v1/products takes the file as %s', async (name) => {
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

  it('answers 422 with every wrong field and keeps no photo; so does 409 of a taken sku', async () => {
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

  it('refuses another photo product under the same Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'photo-1' }
    const first = await service.user.post('/v1/products', form(textFields(), {}), headers)
    expect(first.status).toBe(201)
    const { status, body } = await service.user.post('/v1/products', form(textFields(), {}), headers)
    expect([status, body.code]).toEqual([422, 'idempotency_mismatch'])
  })
})

describe('the photo of a product', () => {
  it('PUT takes a raw image, a form or a mediaId; GET leads to it; DELETE removes it', async () => {
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
    expect((await service.user.get(path)).body).toMatchObject({ photoMediaId: null, photoUrl: null })
  })

  it('a replaced photo is removed from the store, and so is that of a purged product', async () => {
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

  it('a PUT of the product keeps the photo unless it names it', async () => {
    const { path, photo } = await create()
    const { photoMediaId } = (await service.user.put(photo, jpeg, { 'content-type': 'image/jpeg' })).body
    expect((await service.user.put(path, { name: 'A', price: 1 })).body.photoMediaId).toBe(photoMediaId)
    expect((await service.user.put(path, { name: 'A', price: 1, photoMediaId: null })).body.photoMediaId).toBeNull()
  })

  it('a medium that is gone leaves the product, also in the trash', async () => {
    const { id, path } = await create()
    const gone = '0190a5c4-6f00-7000-8000-0000000000aa'
    await service.db.query('update products set photo_media_id = $1 where id = $2', [gone, id])
    await service.user.delete(path)
    const event = {
      ...{ specversion: '1.0', id: '0190a5c4-6f00-7000-8000-0000000000ab', source: '/media-service' },
      ...{ type: 'media.deleted.v1', subject: gone, time: new Date().toISOString() },
      datacontenttype: 'application/json',
      data: { id: gone, reason: 'requested', version: 2, actor: { id: 'somebody', displayName: 'Somebody' } },
    }
    await service.broker.publish(event)
    await eventually(async () => {
      const [row] = await service.db.query('select photo_media_id, version from products where id = $1', [id])
      expect(row).toEqual({ photo_media_id: null, version: 3 })
    })
  })

  it.each(['0190a5c4-6f00-7000-8000-000000000001', 'nonsense'])('refuses the mediaId %s with 422', async (mediaId) => {
    const { path, photo } = await create()
    expect((await service.user.put(photo, { mediaId })).body.errors[0].pointer).toBe('/mediaId')
    const { status, body } = await service.user.patch(path, { photoMediaId: mediaId })
    expect([status, body.errors[0].pointer]).toEqual([422, '/photoMediaId'])
  })

  it('an upload for nothing answers 404, one under an old ETag 412, and neither is kept', async () => {
    const before = await mediaIds()
    const image = { 'content-type': 'image/jpeg' }
    const nothing = '/v1/products/0190a5c4-6f00-7000-8000-000000000001/photo'
    expect((await service.user.put(nothing, jpeg, image)).status).toBe(404)
    const { photo } = await create()
    expect((await service.user.put(photo, jpeg, { ...image, 'if-match': '"7.x"' })).status).toBe(412)
    expect((await service.user.put(photo, 'text', { 'content-type': 'text/plain' })).status).toBe(415)
    expect(await mediaIds()).toEqual(before)
  })

  it('answers 503 with Retry-After while media-service is away; everything else works', async () => {
    const lonely = await service.another({ mediaServiceUrl: 'http://127.0.0.1:1' })
    const user = client(lonely.url, (await tokenFor('user')).token)
    const answer = await user.post('/v1/products', form(textFields(), {}))
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
    expect((await user.post('/v1/products', aProduct())).status).toBe(201)
    await lonely.stop()
  })
})
