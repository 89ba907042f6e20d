import type { EventSubscription } from '@clientele/platform/testing/broker'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
let tap: EventSubscription
beforeAll(async () => {
  service = await startCustomers()
  tap = await service.broker.subscribe()
})
afterAll(() => service?.stop())

const eventsOf = (id: string) => tap.all().filter(({ subject }) => subject === id)

describe('Customer events', () => {
  it('every change of a customer publishes an event with its version and actor, in order', async () => {
    const { id: userId } = await signedInAs('user')
    const { id: adminId } = await signedInAs('admin')
    const { body } = await service.user.post('/v1/customers', aCustomer({ phone: '+254711000114' }))
    const path = `/v1/customers/${body.id}`
    await service.admin.patch(path, { phone: '+254711000115', tags: ['new'] })
    await service.user.delete(path)
    await service.user.post(`${path}/restore`)
    await service.admin.delete(`${path}?purge=true`)
    await tap.next('customer.purged.v1', body.id)

    const events = eventsOf(body.id)
    expect(events.map(({ type, data }) => [type, (data as { version: number }).version])).toEqual([
      ['customer.created.v1', 1],
      ['customer.updated.v1', 2],
      ['customer.deleted.v1', 3],
      ['customer.restored.v1', 4],
      ['customer.purged.v1', 5],
    ])
    const [created, updated, , , purged] = events.map(({ data }) => data)
    const { photoUrl: _link, photoUrls: _links, ...published } = body
    expect(created).toEqual({ ...published, actor: { id: userId, displayName: expect.any(String) } })
    expect(updated).toMatchObject({
      phone: '+254711000115',
      actor: { id: adminId },
      changed: ['phone', 'tags'],
      previous: { phone: '+254711000114', tags: [] },
    })
    expect(JSON.stringify(purged)).not.toContain(body.email)
    expect(purged).toMatchObject({ code: body.code, name: null, email: null, phone: null })
  })

  it('a PATCH or PUT that changes nothing publishes no event and keeps the version', async () => {
    const input = aCustomer({ tags: ['a'], metadata: { b: 1, a: 2 }, address: { city: 'Nairobi' } })
    const { body, headers } = await service.user.post('/v1/customers', input)
    const path = `/v1/customers/${body.id}`
    const patch = await service.user.patch(path, { tags: ['a'], metadata: { a: 2 }, address: { city: 'Nairobi' } })
    const put = await service.user.put(path, { ...input, metadata: { a: 2, b: 1 } })
    expect([patch.body.version, put.body.version, put.headers.get('etag')]).toEqual([1, 1, headers.get('etag')])
    await service.user.patch(path, { locale: 'sw' })
    await tap.next('customer.updated.v1', body.id)
    expect(eventsOf(body.id).map(({ type }) => type)).toEqual(['customer.created.v1', 'customer.updated.v1'])
  })

  it('a refused change publishes no event', async () => {
    const { body } = await service.user.post('/v1/customers', aCustomer())
    const clash = await service.user.post('/v1/customers', aCustomer({ email: body.email }))
    const batch = await service.user.post(
      '/v1/customers/batch',
      {
        items: [
          { op: 'create', data: aCustomer({ email: body.email }) },
          { op: 'update', id: body.id, data: { locale: 'sw' } },
        ],
      },
      { 'idempotency-key': 'refused-1' },
    )
    expect([clash.status, batch.status]).toEqual([409, 207])
    await tap.next('customer.updated.v1', body.id)
    const { total } = (await service.user.get(`/v1/customers?email=${body.email}`)).body.page
    const published = tap.all().filter(({ data }) => (data as { email?: string }).email === body.email)
    expect([total, published.length]).toEqual([1, 2])
  })
})
