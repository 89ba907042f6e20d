import { mediaStored } from '@clientele/contracts/media'
import { newId } from '@clientele/platform/data/db'
import { eventually } from '@clientele/platform/testing/wait'
import { anImage } from './images.ts'
import { form, type Setup, startMedia } from './media-setup.ts'

let media: Setup
beforeAll(async () => {
  media = await startMedia()
})
afterAll(() => media.stop())

const upload = async (): Promise<string> =>
  (await media.user.post('/v1/media', form(await anImage('jpeg', 400, 300)))).body.id
const status = async (id: string) => (await media.user.get(`/v1/media/${id}`)).status
const objectsOf = async (id: string) => (await media.keys()).filter((key) => key.includes(id))

const someone = { id: 'somebody', displayName: 'Somebody' }
type Change = { photo: string | null; version: number; previous?: string | null }

const customerEvent = (type: string, id: string, { photo, version, previous }: Change) => {
  const at = new Date().toISOString()
  return {
    specversion: '1.0' as const,
    id: newId(),
    source: '/customer-service',
    type: `customer.${type}.v1`,
    subject: id,
    time: at,
    datacontenttype: 'application/json' as const,
    data: {
      ...{ id, code: 'CUS-000001', externalId: null, name: 'Ana', surname: 'L', email: null, phone: null },
      ...{ photoMediaId: photo, tags: [], userId: null, address: null, locale: null, smsOptOut: false, metadata: {} },
      ...{ createdAt: at, createdBy: someone, updatedAt: at, updatedBy: someone, deletedAt: null, version },
      actor: someone,
      ...(previous !== undefined && { changed: ['photoMediaId'], previous: { photoMediaId: previous } }),
    },
  }
}
type CustomerEvent = ReturnType<typeof customerEvent>

const productEvent = (type: string, id: string, { photo, version, previous }: Change) => {
  const { data, ...envelope } = customerEvent(type, id, { photo, version, ...(previous !== undefined && { previous }) })
  const { createdAt, createdBy, updatedAt, updatedBy, actor } = data
  return {
    ...{ ...envelope, source: '/order-service', type: `product.${type}.v1` },
    data: {
      ...{ id, sku: null, name: 'Shoe', description: null, price: '2.20', currency: 'EUR', stock: 1, lowStockAt: null },
      ...{ active: true, deletedAt: null, photoMediaId: photo, version, actor },
      ...{ createdAt, createdBy, updatedAt, updatedBy },
      ...(previous !== undefined && { changed: ['photoMediaId'], previous: { photoMediaId: previous } }),
    },
  }
}

const publish = async (event: object) => expect(await media.broker.publish(event as never)).toBe('confirmed')
const waitUntilHandled = (event: { id: string }) =>
  eventually(async () => {
    const sql = 'select 1 from inbox where consumer = $1 and event_id = $2'
    expect(await media.db.query(sql, ['media-service.usage', event.id])).toHaveLength(1)
  })
const publishCustomerEvent = async (...args: Parameters<typeof customerEvent>): Promise<CustomerEvent> => {
  const event = customerEvent(...args)
  await eventually(() => publish(event))
  await waitUntilHandled(event)
  return event
}
const publishProductEvent = async (...args: Parameters<typeof productEvent>): Promise<void> => {
  const event = productEvent(...args)
  await eventually(() => publish(event))
  await waitUntilHandled(event)
}

describe('Images that products show', () => {
  it('DELETE /v1/media/{id} returns 409 while a product shows the image, also in the trash, and a purge deletes the image', async () => {
    const [photo, product] = [await upload(), newId()]
    await publishProductEvent('created', product, { photo, version: 1 })
    expect((await media.user.delete(`/v1/media/${photo}`)).status).toBe(409)
    await publishProductEvent('archived', product, { photo, version: 2 })
    expect((await media.user.delete(`/v1/media/${photo}`)).status).toBe(409)
    await publishProductEvent('restored', product, { photo, version: 3 })
    expect(await status(photo)).toBe(200)
    await publishProductEvent('purged', product, { photo, version: 4 })
    expect(await status(photo)).toBe(404)
  })

  it('the former photo of a product is deleted at once unless a customer shows it', async () => {
    const [first, second, product, customer] = [await upload(), await upload(), newId(), newId()]
    await publishProductEvent('created', product, { photo: first, version: 1 })
    await publishCustomerEvent('created', customer, { photo: first, version: 1 })
    await publishProductEvent('updated', product, { photo: second, version: 2, previous: first })
    expect([await status(first), await status(second)]).toEqual([200, 200])
    await publishCustomerEvent('updated', customer, { photo: null, version: 2, previous: first })
    expect(await status(first)).toBe(404)
  })
})

describe('Images that customers show', () => {
  it('DELETE /v1/media/{id} returns 409 while a customer shows the image, 204 for an unused one, then 404', async () => {
    const [photo, customer] = [await upload(), newId()]
    await publishCustomerEvent('created', customer, { photo, version: 1 })
    const refused = await media.user.delete(`/v1/media/${photo}`)
    expect(refused).toMatchObject({ status: 409, body: { code: 'in_use' } })
    await publishCustomerEvent('deleted', customer, { photo, version: 2 })
    expect((await media.user.delete(`/v1/media/${photo}`)).status).toBe(409)
    const other = await upload()
    expect((await media.user.delete(`/v1/media/${other}`, { 'if-match': '"7"' })).status).toBe(412)
    expect((await media.user.delete(`/v1/media/${other}`, { 'if-match': '"1"' })).status).toBe(204)
    expect((await media.user.delete(`/v1/media/${other}`)).status).toBe(404)
    expect((await media.user.get(`/v1/media/${other}/content`)).status).toBe(404)
    await expect(media.tap.next('media.deleted.v1', other)).resolves.toMatchObject({
      data: { id: other, reason: 'requested', version: 2, actor: { id: media.person.id } },
    })
    await eventually(async () => expect(await objectsOf(other)).toEqual([]))
  })

  it('the former photo of a customer is deleted at once, row and objects', async () => {
    const [first, second, customer] = [await upload(), await upload(), newId()]
    await publishCustomerEvent('created', customer, { photo: first, version: 1 })
    await publishCustomerEvent('updated', customer, { photo: second, version: 2, previous: first })
    expect(await status(first)).toBe(404)
    expect(await status(second)).toBe(200)
    await eventually(async () => expect(await objectsOf(first)).toEqual([]))
    const deleted = await media.tap.next('media.deleted.v1', first)
    expect(deleted).toMatchObject({ data: { reason: 'released', version: 2 } })
  })

  it('a photo is deleted when its last customer removes it, and not before', async () => {
    const [photo, ana, ben] = [await upload(), newId(), newId()]
    await publishCustomerEvent('created', ana, { photo, version: 1 })
    await publishCustomerEvent('created', ben, { photo, version: 1 })
    await publishCustomerEvent('updated', ana, { photo: null, version: 2, previous: photo })
    expect(await status(photo)).toBe(200)
    await publishCustomerEvent('updated', ben, { photo: null, version: 2, previous: photo })
    expect(await status(photo)).toBe(404)
  })

  it('a customer in the trash keeps its photo, and a purge deletes it', async () => {
    const [photo, customer] = [await upload(), newId()]
    await publishCustomerEvent('created', customer, { photo, version: 1 })
    await publishCustomerEvent('deleted', customer, { photo, version: 2 })
    await publishCustomerEvent('restored', customer, { photo, version: 3 })
    expect(await status(photo)).toBe(200)
    await publishCustomerEvent('purged', customer, { photo, version: 4 })
    expect(await status(photo)).toBe(404)
  })

  it('a repeated event and a late event change nothing', async () => {
    const [first, second, customer] = [await upload(), await upload(), newId()]
    const created = await publishCustomerEvent('created', customer, { photo: first, version: 1 })
    await publishCustomerEvent('updated', customer, { photo: second, version: 3, previous: first })
    expect(await status(first)).toBe(404)
    await publish(created)
    await publishCustomerEvent('updated', customer, { photo: first, version: 2, previous: null })
    expect(await status(second)).toBe(200)
    const [usage] = await media.db.query('select media_id, version from media_usages where subject = $1', [customer])
    expect(usage).toEqual({ media_id: second, version: 3 })
  })

  it('a change of a customer without a photo is skipped unless it concerns the photo', async () => {
    const [photo, customer] = [await upload(), newId()]
    const { data, ...envelope } = customerEvent('updated', customer, { photo: null, version: 2 })
    const renamed = { ...envelope, data: { ...data, changed: ['name'], previous: { name: 'Anna' } } }
    await publish(renamed)
    await publishCustomerEvent('updated', customer, { photo: null, version: 3, previous: photo })
    expect(await media.db.query('select from inbox where event_id = $1', [renamed.id])).toEqual([])
    expect(await status(photo)).toBe(404)
  })

  it('a purge event that arrives before the creation leaves no usage', async () => {
    const [photo, customer] = [await upload(), newId()]
    await publishCustomerEvent('purged', customer, { photo, version: 2 })
    await publishCustomerEvent('created', customer, { photo, version: 1 })
    expect(await status(photo)).toBe(404)
    expect(await media.db.query('select 1 from media_usages where media_id = $1', [photo])).toEqual([])
  })

  it('media.deleted is published again if a customer shows a deleted or unknown image', async () => {
    const photo = await upload()
    await media.user.delete(`/v1/media/${photo}`)
    await media.tap.next('media.deleted.v1', photo)
    await publishCustomerEvent('created', newId(), { photo, version: 1 })
    await expect(media.tap.next('media.deleted.v1', photo)).resolves.toMatchObject({
      data: { reason: 'missing', version: 3 },
    })
    const never = newId()
    await publishCustomerEvent('created', newId(), { photo: never, version: 1 })
    await expect(media.tap.next('media.deleted.v1', never)).resolves.toMatchObject({ data: { reason: 'missing' } })
  })

  it('an image that is deleted and shown at the same moment is either kept or announced as missing', async () => {
    for (let round = 0; round < 5; round += 1) {
      const [photo, customer] = [await upload(), newId()]
      const event = customerEvent('created', customer, { photo, version: 1 })
      const [response] = await Promise.all([media.user.delete(`/v1/media/${photo}`), publish(event)])
      await waitUntilHandled(event)
      expect([204, 409]).toContain(response.status)
      expect(await status(photo)).toBe(response.status === 204 ? 404 : 200)
      if (response.status === 409) continue
      await media.tap.next('media.deleted.v1', photo)
      const missing = await media.tap.next('media.deleted.v1', photo)
      expect(missing).toMatchObject({ data: { reason: 'missing' } })
    }
  })
})

describe('Variants', () => {
  it('the consumer creates thumb and medium once, also if media.stored arrives twice', async () => {
    const photo = await upload()
    const all = await eventually(async () => {
      const keys = await objectsOf(photo)
      expect(keys).toHaveLength(3)
      return keys
    })
    expect(all.map((key) => key.split('.')[1])).toEqual(['medium', 'original', 'thumb'])
    const stored = await media.tap.next(mediaStored.type, photo)
    const row = () => media.db.query('select variants from media where id = $1', [photo])
    const before = await eventually(async () => {
      const [media] = (await row()) as { variants: object }[]
      expect(Object.keys(media?.variants ?? {}).sort()).toEqual(['medium', 'thumb'])
      return media
    })
    await media.broker.publish({ ...stored, id: newId() })
    await media.broker.publish(stored)
    await eventually(async () => {
      const seen = await media.db.query(
        `select 1 from inbox join media on media.id = $1 where consumer = 'media-service.variants'`,
        [photo],
      )
      expect(seen.length).toBeGreaterThan(1)
    })
    expect(await row()).toEqual([before])
  })
})
