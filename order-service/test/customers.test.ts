import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { EventSubscription } from '@clientele/platform/testing/broker'
import { eventually } from '@clientele/platform/testing/wait'
import { aCustomer, type Running as RunningCustomers, startCustomers } from '../../customer-service/test/start.ts'
import { errorCodes, orderCalls, textLine } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let customers: RunningCustomers
/** Receives the events of customer-service. */
let service: Running
/** Receives no events, so it reads customers from customer-service. */
let isolated: Running
let tap: EventSubscription
beforeAll(async () => {
  customers = await startCustomers()
  service = await startOrders({}, customers.broker)
  isolated = await startOrders({ customerServiceUrl: customers.url })
  tap = await service.broker.subscribe()
})
afterAll(async () => {
  await Promise.all([service?.stop(), isolated?.stop()])
  await customers?.stop()
})

const { createCustomer, place, createOrder, createProduct, stockOf } = orderCalls(() => service)
const placeFor = (customerId: string, by = service.user) => place([textLine], { customerId }, by)
const create = async (): Promise<string> => (await customers.user.post('/v1/customers', aCustomer())).body.id
const stateOf = async (id: string, by = service) =>
  (await by.db.query<{ state: string; version: number }>('select state, version from customers where id = $1', [id]))[0]
const waitForState = (id: string, state: string) =>
  eventually(async () => expect(await stateOf(id)).toMatchObject({ state }))

const event = (type: string, id: string, version: number, fields: Record<string, unknown> = {}) => ({
  specversion: '1.0' as const,
  id: randomUUID(),
  source: '/customer-service',
  type: `customer.${type}.v1`,
  subject: id,
  time: new Date().toISOString(),
  datacontenttype: 'application/json' as const,
  data: {
    ...{
      id,
      code: 'CUS-000001',
      externalId: null,
      name: null,
      surname: null,
      email: null,
      phone: null,
      photoMediaId: null,
    },
    ...{ tags: [], userId: null, address: null, locale: null, smsOptOut: false, metadata: {}, deletedAt: null },
    ...{ createdAt: new Date().toISOString(), createdBy: { id: 'x', displayName: 'x' } },
    ...{
      updatedAt: new Date().toISOString(),
      updatedBy: { id: 'x', displayName: 'x' },
      actor: { id: 'x', displayName: 'x' },
    },
    version,
    ...fields,
  },
})
const publish = async (...events: ReturnType<typeof event>[]) => {
  for (const each of events) expect(await service.broker.publish(each)).toBe('confirmed')
}
const waitUntilHandled = (id: string) =>
  eventually(async () =>
    expect(
      await service.db.query(`select from inbox where consumer = 'order-service.customers' and event_id = $1`, [id]),
    ).toHaveLength(1),
  )

describe('Customers known by their events', () => {
  it('an order for a customer needs no customer-service; it is refused while the customer is in the trash, and accepted after the restore', async () => {
    const id = await create()
    await waitForState(id, 'active')
    expect((await placeFor(id)).body).toMatchObject({ customerId: id, status: 'placed' })
    await customers.user.delete(`/v1/customers/${id}`)
    await waitForState(id, 'trash')
    const refused = await placeFor(id)
    expect([refused.status, errorCodes(refused.body)]).toEqual([422, ['/customerId in_trash']])
    await customers.user.post(`/v1/customers/${id}/restore`)
    await waitForState(id, 'active')
    expect((await placeFor(id)).status).toBe(201)
  })

  it('the newest version of a customer wins, whatever the order and the repetition of its events', async () => {
    const id = randomUUID()
    const [created, deleted] = [
      event('created', id, 1),
      event('deleted', id, 3, { deletedAt: new Date().toISOString() }),
    ]
    const late = event('updated', id, 2)
    await publish(deleted, created, created, late)
    await waitUntilHandled(late.id)
    await waitUntilHandled(created.id)
    expect(await stateOf(id)).toEqual({ state: 'trash', version: 3 })
    // In the trash a customer may still lose its photo.
    const photo = event('updated', id, 4, { deletedAt: new Date().toISOString() })
    await publish(photo)
    await waitUntilHandled(photo.id)
    expect(await stateOf(id)).toEqual({ state: 'trash', version: 4 })
  })

  it('a purged customer stays purged, whatever events arrive later', async () => {
    const id = randomUUID()
    const last = event('restored', id, 9)
    await publish(event('purged', id, 5), event('created', id, 1), last)
    await waitUntilHandled(last.id)
    expect(await stateOf(id)).toEqual({ state: 'purged', version: 5 })
    const { status, body } = await placeFor(id)
    expect([status, errorCodes(body)]).toEqual([422, ['/customerId not_found']])
  })
})

describe('The purge of a customer', () => {
  it('a purge event with an older version than the stored one purges the customer', async () => {
    const id = randomUUID()
    const last = event('purged', id, 5)
    await publish(event('updated', id, 7), last)
    await waitUntilHandled(last.id)
    expect(await stateOf(id)).toEqual({ state: 'purged', version: 5 })
  })
})

describe('A customer whose events have not arrived', () => {
  it('an unknown customer is read from customer-service once and stored', async () => {
    const id = await create()
    expect(await stateOf(id, isolated)).toBeUndefined()
    expect((await placeFor(id.toUpperCase(), isolated.user)).body).toMatchObject({ customerId: id })
    expect(await stateOf(id, isolated)).toEqual({ state: 'active', version: 1 })
    await customers.user.delete(`/v1/customers/${id}`)
    expect((await placeFor(id, isolated.user)).status).toBe(201)
  })

  it('an unknown customer is read from customer-service also with an Idempotency-Key', async () => {
    const id = await create()
    const body = { customerId: id, lines: [textLine] }
    const first = await isolated.user.post('/v1/orders', body, { 'idempotency-key': 'unknown-customer-1' })
    expect(first.status).toBe(201)
    expect((await isolated.user.post('/v1/orders', body, { 'idempotency-key': 'unknown-customer-1' })).body).toEqual(
      first.body,
    )
  })

  it('no transaction is open while an unknown customer is read from customer-service, even with an Idempotency-Key', async () => {
    const silentServer = createServer().listen(0, '127.0.0.1')
    await once(silentServer, 'listening')
    const { port } = silentServer.address() as AddressInfo
    const waiting = await startOrders({ customerServiceUrl: `http://127.0.0.1:${port}` })
    const connected = once(silentServer, 'connection') as Promise<[Socket]>
    const response = waiting.user.post(
      '/v1/orders',
      { customerId: randomUUID(), lines: [textLine] },
      { 'idempotency-key': 'w' },
    )
    const [socket] = await connected
    const open = `select from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`
    expect(await waiting.db.query(open)).toEqual([])
    socket.destroy()
    expect((await response).status).toBe(503)
    silentServer.close()
    await waiting.stop()
  })

  it('an order with an Idempotency-Key is refused at /customerId if customer-service does not know the customer', async () => {
    const body = { customerId: randomUUID(), lines: [textLine] }
    const response = await isolated.user.post('/v1/orders', body, { 'idempotency-key': 'nobody' })
    expect([response.status, errorCodes(response.body)]).toEqual([422, ['/customerId not_found']])
  })

  it('an order is refused at /customerId if customer-service does not know the customer', async () => {
    const { status, body } = await placeFor(randomUUID(), isolated.user)
    expect([status, errorCodes(body)]).toEqual([422, ['/customerId not_found']])
  })

  it('an order for an unknown customer returns 503 while customer-service is unavailable, and takes no stock', async () => {
    const { id } = await createProduct({ stock: 5 })
    const response = await place([{ productId: id, quantity: 1 }], { customerId: randomUUID() })
    expect(response).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await stockOf(id)).toBe(5)
  })
})

describe('Orders of a purged customer', () => {
  it('a purge removes the customer and its personal data from all of its orders, which stay', async () => {
    const id = await create()
    await waitForState(id, 'active')
    const orderedProduct = await createProduct()
    const kept = await createOrder([textLine], { note: 'of somebody else', metadata: { a: 1 } })
    const whole = await createOrder(
      [
        { productId: orderedProduct.id, quantity: 2 },
        { description: 'engraved: Ana', unitPrice: '5' },
      ],
      {
        customerId: id,
        note: 'call Ana',
        metadata: { name: 'Ana' },
      },
    )
    const many = 230
    await service.db.query(
      `insert into orders (id, number, customer_id, status, total, currency, metadata, placed_at, created_by, created_by_name,
         updated_at, updated_by, updated_by_name)
       select gen_random_uuid(), nextval('order_numbers'), $1, 'placed', 1, 'EUR', '{}', now(), 'x', 'x', now(), 'x', 'x'
       from generate_series(1, $2)`,
      [id, many],
    )
    expect((await customers.admin.delete(`/v1/customers/${id}?purge=true`)).status).toBe(204)
    const left = () => service.db.query('select from orders where customer_id = $1', [id])
    await eventually(async () => expect(await left()).toHaveLength(0))

    const { body } = await service.user.get(`/v1/orders/${whole.id}`)
    expect(body).toMatchObject({ customerId: null, note: null, metadata: {}, version: 2, total: whole.total })
    expect(body.metadata).toEqual({})
    expect(body.lines.map(({ description }: { description: string }) => description)).toEqual([
      orderedProduct.name,
      'removed',
    ])
    const { data } = await tap.next('order.updated.v1', whole.id)
    const { customer, ...inEvents } = body
    expect(customer).toBeNull()
    expect(data).toMatchObject({
      ...inEvents,
      changed: ['customerId', 'note', 'metadata', 'lines'],
      previous: { customerId: id },
    })
    expect(JSON.stringify(data)).not.toContain('Ana')
    for (let each = 0; each < many; each++) await tap.next('order.updated.v1')
    expect((await service.user.get(`/v1/orders/${kept.id}`)).body).toEqual(kept)
    await eventually(async () => expect(await service.db.query('select from customers_to_forget')).toHaveLength(0))
  })

  it('the anonymisation continues if the process that handled the purge event has ended', async () => {
    const id = await createCustomer()
    const made = await createOrder([textLine], { customerId: id })
    await service.db.query(`update customers set state = 'purged' where id = $1`, [id])
    await service.db.query('insert into customers_to_forget (customer_id) values ($1)', [id])
    await tap.next('order.updated.v1', made.id)
    expect((await service.user.get(`/v1/orders/${made.id}`)).body).toMatchObject({ customerId: null, version: 2 })
  })

  it('an order that waits for a concurrent purge of its customer is refused', async () => {
    const id = await createCustomer()
    const response = await service.db.transaction(async (tx) => {
      await service.db.query(`update customers set state = 'purged' where id = $1`, [id], { tx })
      const order = place([textLine], { customerId: id })
      await eventually(async () => {
        const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
        expect(await service.db.query(waiting)).toHaveLength(1)
      })
      return { order }
    })
    expect(errorCodes((await response.order).body)).toEqual(['/customerId not_found'])
  })
})
