import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Tap } from '@clientele/platform/testing/broker'
import { eventually } from '@clientele/platform/testing/wait'
import { aCustomer, type Running as RunningCustomers, startCustomers } from '../../customer-service/test/start.ts'
import { faults, orderCalls, textLine } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let customers: RunningCustomers
/** Hears the events of customer-service. */
let service: Running
/** Hears none: whom it does not know, it asks for. */
let deaf: Running
let tap: Tap
beforeAll(async () => {
  customers = await startCustomers()
  service = await startOrders({}, customers.broker)
  deaf = await startOrders({ customerServiceUrl: customers.url })
  tap = await service.broker.tap()
})
afterAll(async () => {
  await Promise.all([service?.stop(), deaf?.stop()])
  await customers?.stop()
})

const { customer, place, placed, product, stockOf } = orderCalls(() => service)
const order = (customerId: string, by = service.user) => place([textLine], { customerId }, by)
const create = async (): Promise<string> => (await customers.user.post('/v1/customers', aCustomer())).body.id
const stateOf = async (id: string, of = service) =>
  (await of.db.query<{ state: string; version: number }>('select state, version from customers where id = $1', [id]))[0]
const becomes = (id: string, state: string) =>
  eventually(async () => expect(await stateOf(id)).toMatchObject({ state }))

const event = (type: string, id: string, version: number, fields: Record<string, unknown> = {}) => ({
  specversion: '1.0' as const,
  id: randomUUID(),
  source: '/test',
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
const handled = (id: string) =>
  eventually(async () =>
    expect(
      await service.db.query(`select from inbox where consumer = 'order-service.customers' and event_id = $1`, [id]),
    ).toHaveLength(1),
  )

describe('customers that events told of', () => {
  it('can have orders while customer-service is down; not from the trash, and again out of it', async () => {
    const id = await create()
    await becomes(id, 'active')
    expect((await order(id)).body).toMatchObject({ customerId: id, status: 'placed' })
    await customers.user.delete(`/v1/customers/${id}`)
    await becomes(id, 'trash')
    const refused = await order(id)
    expect([refused.status, faults(refused.body)]).toEqual([422, ['/customerId in_trash']])
    await customers.user.post(`/v1/customers/${id}/restore`)
    await becomes(id, 'active')
    expect((await order(id)).status).toBe(201)
  })

  it('are what the newest event says, whatever order they come in and however often', async () => {
    const id = randomUUID()
    const [created, deleted] = [
      event('created', id, 1),
      event('deleted', id, 3, { deletedAt: new Date().toISOString() }),
    ]
    const late = event('updated', id, 2)
    await publish(deleted, created, created, late)
    await handled(late.id)
    await handled(created.id)
    expect(await stateOf(id)).toEqual({ state: 'trash', version: 3 })
    // In the trash a customer may still lose its photo.
    const photo = event('updated', id, 4, { deletedAt: new Date().toISOString() })
    await publish(photo)
    await handled(photo.id)
    expect(await stateOf(id)).toEqual({ state: 'trash', version: 4 })
  })

  it('stay purged, whatever comes later', async () => {
    const id = randomUUID()
    const last = event('restored', id, 9)
    await publish(event('purged', id, 5), event('created', id, 1), last)
    await handled(last.id)
    expect(await stateOf(id)).toEqual({ state: 'purged', version: 5 })
    const { status, body } = await order(id)
    expect([status, faults(body)]).toEqual([422, ['/customerId not_found']])
  })
})

describe('a purge', () => {
  it('of an older version than the one known purges the customer', async () => {
    const id = randomUUID()
    const last = event('purged', id, 5)
    await publish(event('updated', id, 7), last)
    await handled(last.id)
    expect(await stateOf(id)).toEqual({ state: 'purged', version: 5 })
  })
})

describe('a customer that no event has told of yet', () => {
  it('is asked for at customer-service, and known from then on', async () => {
    const id = await create()
    expect(await stateOf(id, deaf)).toBeUndefined()
    expect((await order(id.toUpperCase(), deaf.user)).body).toMatchObject({ customerId: id })
    expect(await stateOf(id, deaf)).toEqual({ state: 'active', version: 1 })
    await customers.user.delete(`/v1/customers/${id}`)
    expect((await order(id, deaf.user)).status).toBe(201)
  })

  it('is asked for with an Idempotency-Key as well', async () => {
    const id = await create()
    const body = { customerId: id, lines: [textLine] }
    const first = await deaf.user.post('/v1/orders', body, { 'idempotency-key': 'asked' })
    expect(first.status).toBe(201)
    expect((await deaf.user.post('/v1/orders', body, { 'idempotency-key': 'asked' })).body).toEqual(first.body)
  })

  it('is asked for while no transaction is open, also with an Idempotency-Key', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const waiting = await startOrders({ customerServiceUrl: `http://127.0.0.1:${port}` })
    const asked = once(silent, 'connection') as Promise<[Socket]>
    const answer = waiting.user.post(
      '/v1/orders',
      { customerId: randomUUID(), lines: [textLine] },
      { 'idempotency-key': 'w' },
    )
    const [socket] = await asked
    const open = `select from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`
    expect(await waiting.db.query(open)).toEqual([])
    socket.destroy()
    expect((await answer).status).toBe(503)
    silent.close()
    await waiting.stop()
  })

  it('is refused at /customerId where customer-service does not know it either, also with an Idempotency-Key', async () => {
    const body = { customerId: randomUUID(), lines: [textLine] }
    const answer = await deaf.user.post('/v1/orders', body, { 'idempotency-key': 'nobody' })
    expect([answer.status, faults(answer.body)]).toEqual([422, ['/customerId not_found']])
  })

  it('is refused at /customerId where customer-service does not know it either', async () => {
    const { status, body } = await order(randomUUID(), deaf.user)
    expect([status, faults(body)]).toEqual([422, ['/customerId not_found']])
  })

  it('is answered with 503 while customer-service is down, and nothing is ordered', async () => {
    const { id } = await product({ stock: 5 })
    const answer = await place([{ productId: id, quantity: 1 }], { customerId: randomUUID() })
    expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await stockOf(id)).toBe(5)
  })
})

describe('a purged customer', () => {
  it('is taken off all of its orders, which stay, with what may name a person', async () => {
    const id = await create()
    await becomes(id, 'active')
    const goods = await product()
    const kept = await placed([textLine], { note: 'of somebody else', metadata: { a: 1 } })
    const whole = await placed(
      [
        { productId: goods.id, quantity: 2 },
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
    expect(body.lines.map(({ description }: { description: string }) => description)).toEqual([goods.name, 'removed'])
    const { data } = await tap.next('order.updated.v1', whole.id)
    expect(data).toMatchObject({
      ...body,
      changed: ['customerId', 'note', 'metadata', 'lines'],
      previous: { customerId: id },
    })
    expect(JSON.stringify(data)).not.toContain('Ana')
    for (let each = 0; each < many; each++) await tap.next('order.updated.v1')
    expect((await service.user.get(`/v1/orders/${kept.id}`)).body).toEqual(kept)
    await eventually(async () => expect(await service.db.query('select from customers_to_forget')).toHaveLength(0))
  })

  it('is taken off also where the process that heard of it ended before it was done', async () => {
    const id = await customer()
    const made = await placed([textLine], { customerId: id })
    await service.db.query(`update customers set state = 'purged' where id = $1`, [id])
    await service.db.query('insert into customers_to_forget (customer_id) values ($1)', [id])
    await tap.next('order.updated.v1', made.id)
    expect((await service.user.get(`/v1/orders/${made.id}`)).body).toMatchObject({ customerId: null, version: 2 })
  })

  it('gets no order that was on its way while it was purged', async () => {
    const id = await customer()
    const answer = await service.db.transaction(async (tx) => {
      await service.db.query(`update customers set state = 'purged' where id = $1`, [id], { tx })
      const order = place([textLine], { customerId: id })
      await eventually(async () => {
        const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
        expect(await service.db.query(waiting)).toHaveLength(1)
      })
      return { order }
    })
    expect(faults((await answer.order).body)).toEqual(['/customerId not_found'])
  })
})
