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
      ...{ active: true, archivedAt: null, photoMediaId: photo, version, actor },
      ...{ createdAt, createdBy, updatedAt, updatedBy },
      ...(previous !== undefined && { changed: ['photoMediaId'], previous: { photoMediaId: previous } }),
    },
  }
}

const publish = async (event: object) => expect(await media.broker.publish(event as never)).toBe('confirmed')
const handled = (event: { id: string }) =>
  eventually(async () => {
    const sql = 'select 1 from inbox where consumer = $1 and event_id = $2'
    expect(await media.db.query(sql, ['media-service.usage', event.id])).toHaveLength(1)
  })
const tell = async (...args: Parameters<typeof customerEvent>): Promise<CustomerEvent> => {
  const event = customerEvent(...args)
  await eventually(() => publish(event))
  await handled(event)
  return event
}
const tellOfProduct = async (...args: Parameters<typeof productEvent>): Promise<void> => {
  const event = productEvent(...args)
  await eventually(() => publish(event))
  await handled(event)
}

describe('media that a product shows', () => {
  it('DELETE /v1/media/{id} answers 409 while a product shows it, also from the trash; a purged one frees it', async () => {
    const [photo, product] = [await upload(), newId()]
    await tellOfProduct('created', product, { photo, version: 1 })
    expect((await media.user.delete(`/v1/media/${photo}`)).status).toBe(409)
    await tellOfProduct('archived', product, { photo, version: 2 })
    expect((await media.user.delete(`/v1/media/${photo}`)).status).toBe(409)
    await tellOfProduct('restored', product, { photo, version: 3 })
    expect(await status(photo)).toBe(200)
    await tellOfProduct('purged', product, { photo, version: 4 })
    expect(await status(photo)).toBe(404)
  })

  it('a replaced photo is removed at once, unless a customer shows it too', async () => {
    const [first, second, product, customer] = [await upload(), await upload(), newId(), newId()]
    await tellOfProduct('created', product, { photo: first, version: 1 })
    await tell('created', customer, { photo: first, version: 1 })
    await tellOfProduct('updated', product, { photo: second, version: 2, previous: first })
    expect([await status(first), await status(second)]).toEqual([200, 200])
    await tell('updated', customer, { photo: null, version: 2, previous: first })
    expect(await status(first)).toBe(404)
  })
})

describe('media that a customer shows (S1-10)', () => {
  it('DELETE /v1/media/{id} answers 409 while a customer shows it, 204 once not, then 404', async () => {
    const [photo, customer] = [await upload(), newId()]
    await tell('created', customer, { photo, version: 1 })
    const refused = await media.user.delete(`/v1/media/${photo}`)
    expect(refused).toMatchObject({ status: 409, body: { code: 'in_use' } })
    await tell('deleted', customer, { photo, version: 2 })
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

  it('a replaced photo is removed at once, row and objects', async () => {
    const [first, second, customer] = [await upload(), await upload(), newId()]
    await tell('created', customer, { photo: first, version: 1 })
    await tell('updated', customer, { photo: second, version: 2, previous: first })
    expect(await status(first)).toBe(404)
    expect(await status(second)).toBe(200)
    await eventually(async () => expect(await objectsOf(first)).toEqual([]))
    const deleted = await media.tap.next('media.deleted.v1', first)
    expect(deleted).toMatchObject({ data: { reason: 'released', version: 2 } })
  })

  it('a photo taken away is removed, one that another customer shows stays', async () => {
    const [photo, ana, ben] = [await upload(), newId(), newId()]
    await tell('created', ana, { photo, version: 1 })
    await tell('created', ben, { photo, version: 1 })
    await tell('updated', ana, { photo: null, version: 2, previous: photo })
    expect(await status(photo)).toBe(200)
    await tell('updated', ben, { photo: null, version: 2, previous: photo })
    expect(await status(photo)).toBe(404)
  })

  it('the trash keeps a photo, a restored customer has it, a purged one frees it', async () => {
    const [photo, customer] = [await upload(), newId()]
    await tell('created', customer, { photo, version: 1 })
    await tell('deleted', customer, { photo, version: 2 })
    await tell('restored', customer, { photo, version: 3 })
    expect(await status(photo)).toBe(200)
    await tell('purged', customer, { photo, version: 4 })
    expect(await status(photo)).toBe(404)
  })

  it('an event that comes twice, and one that comes late, change nothing', async () => {
    const [first, second, customer] = [await upload(), await upload(), newId()]
    const created = await tell('created', customer, { photo: first, version: 1 })
    await tell('updated', customer, { photo: second, version: 3, previous: first })
    expect(await status(first)).toBe(404)
    await publish(created)
    await tell('updated', customer, { photo: first, version: 2, previous: null })
    expect(await status(second)).toBe(200)
    const [usage] = await media.db.query('select media_id, version from media_usages where subject = $1', [customer])
    expect(usage).toEqual({ media_id: second, version: 3 })
  })

  it('a purge that overtakes the creation leaves nothing in use', async () => {
    const [photo, customer] = [await upload(), newId()]
    await tell('purged', customer, { photo, version: 2 })
    await tell('created', customer, { photo, version: 1 })
    expect(await status(photo)).toBe(404)
    expect(await media.db.query('select 1 from media_usages where media_id = $1', [photo])).toEqual([])
  })

  it('a customer that comes to show media which is gone is told so again', async () => {
    const photo = await upload()
    await media.user.delete(`/v1/media/${photo}`)
    await media.tap.next('media.deleted.v1', photo)
    await tell('created', newId(), { photo, version: 1 })
    await expect(media.tap.next('media.deleted.v1', photo)).resolves.toMatchObject({
      data: { reason: 'missing', version: 3 },
    })
    const never = newId()
    await tell('created', newId(), { photo: never, version: 1 })
    await expect(media.tap.next('media.deleted.v1', never)).resolves.toMatchObject({ data: { reason: 'missing' } })
  })

  it('deleting media and coming to show it at the same moment never leaves a customer with missing media untold', async () => {
    for (let round = 0; round < 5; round += 1) {
      const [photo, customer] = [await upload(), newId()]
      const event = customerEvent('created', customer, { photo, version: 1 })
      const [answer] = await Promise.all([media.user.delete(`/v1/media/${photo}`), publish(event)])
      await handled(event)
      expect([204, 409]).toContain(answer.status)
      expect(await status(photo)).toBe(answer.status === 204 ? 404 : 200)
      if (answer.status === 409) continue
      await media.tap.next('media.deleted.v1', photo)
      const told = await media.tap.next('media.deleted.v1', photo)
      expect(told).toMatchObject({ data: { reason: 'missing' } })
    }
  })
})

describe('variants (S1-10)', () => {
  it('thumb and medium are made by the consumer, once, though media.stored comes twice', async () => {
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
