import { randomUUID } from 'node:crypto'
import type { EventSubscription } from '@clientele/platform/testing/broker'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { orderCalls } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
let tap: EventSubscription
beforeAll(async () => {
  service = await startOrders({ databasePoolMax: 5 })
  tap = await service.broker.subscribe()
})
afterAll(() => service?.stop())

const { createProduct, stockOf, count } = orderCalls(() => service)
const place = (productId: string, quantity: number, key: string) =>
  service.user.post('/v1/orders', { lines: [{ productId, quantity }] }, { 'idempotency-key': key })

describe('An order with an Idempotency-Key', () => {
  it('a repeated order with an Idempotency-Key is placed once, and the response is replayed', async () => {
    const { id } = await createProduct({ stock: 10 })
    const first = await place(id, 4, 'once')
    const again = await place(id, 4, 'once')
    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(await stockOf(id)).toBe(6)
    expect((await place(id, 5, 'once')).body.code).toBe('idempotency_mismatch')
  })

  it('an order with an Idempotency-Key is placed once even if the first response was lost', async () => {
    const { id } = await createProduct({ stock: 10 })
    const before = await count('orders')
    const abort = new AbortController()
    const { token } = await signedInAs('user')
    const request = fetch(`${service.url}/v1/orders`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': 'lost' },
      body: JSON.stringify({ lines: [{ productId: id, quantity: 4 }] }),
      signal: abort.signal,
    }).catch(() => undefined)
    // The request is aborted once the order is stored; the response may have been sent or not.
    await eventually(async () => expect(await count('orders')).toBe(before + 1), { everyMs: 1 })
    abort.abort()
    await request
    const again = await place(id, 4, 'lost')
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
    expect([await stockOf(id), await count('orders')]).toEqual([6, before + 1])
  })

  it('concurrent requests with one Idempotency-Key place a single order', async () => {
    const { id } = await createProduct({ stock: 10 })
    const responses = await Promise.all(Array.from({ length: 8 }, () => place(id, 4, 'many')))
    expect(responses.filter(({ status }) => status === 201).length).toBeGreaterThan(0)
    expect(responses.every(({ status, body }) => status === 201 || body.code === 'idempotency_running')).toBe(true)
    expect(await stockOf(id)).toBe(6)
  })

  it('an order with an Idempotency-Key is declined once: the 409 is replayed, the event published, and the pool does not run out of connections', async () => {
    const { id } = await createProduct({ stock: 3 })
    const first = await place(id, 4, 'declined')
    expect(first.status).toBe(409)
    await expect(tap.next('order.declined.v1')).resolves.toMatchObject({ data: { short: [{ productId: id }] } })
    await service.user.post(`/v1/products/${id}/stock-movements`, { delta: 10, reason: 'delivery' })
    const again = await place(id, 4, 'declined')
    expect([again.status, again.body.code]).toEqual([409, 'insufficient_stock'])
    expect(await stockOf(id)).toBe(13)

    const many = await Promise.all(Array.from({ length: 40 }, () => place(id, 14, randomUUID())))
    expect(new Set(many.map(({ status }) => status))).toEqual(new Set([409]))
    for (const _ of many) await tap.next('order.declined.v1')
    expect(tap.all().filter(({ type }) => type === 'order.declined.v1')).toHaveLength(41)
  })
})
