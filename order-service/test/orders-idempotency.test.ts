import { randomUUID } from 'node:crypto'
import type { Tap } from '@clientele/platform/testing/broker'
import { tokenFor } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { orderCalls } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
let tap: Tap
beforeAll(async () => {
  service = await startOrders({ databasePoolMax: 5 })
  tap = await service.broker.tap()
})
afterAll(() => service?.stop())

const { product, stockOf, count } = orderCalls(() => service)
const place = (productId: string, quantity: number, key: string) =>
  service.user.post('/v1/orders', { lines: [{ productId, quantity }] }, { 'idempotency-key': key })

describe('an order with an Idempotency-Key', () => {
  it('is placed once, and answered with the same again', async () => {
    const { id } = await product({ stock: 10 })
    const first = await place(id, 4, 'once')
    const again = await place(id, 4, 'once')
    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(await stockOf(id)).toBe(6)
    expect((await place(id, 5, 'once')).body.code).toBe('idempotency_mismatch')
  })

  it('is placed once also where the first answer was lost on its way', async () => {
    const { id } = await product({ stock: 10 })
    const before = await count('orders')
    const lost = new AbortController()
    const { token } = await tokenFor('user')
    const request = fetch(`${service.url}/v1/orders`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': 'lost' },
      body: JSON.stringify({ lines: [{ productId: id, quantity: 4 }] }),
      signal: lost.signal,
    }).catch(() => undefined)
    // Until the order is there, nobody cuts; the answer may then be under way or not.
    await eventually(async () => expect(await count('orders')).toBe(before + 1), { everyMs: 1 })
    lost.abort()
    await request
    const again = await place(id, 4, 'lost')
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
    expect([await stockOf(id), await count('orders')]).toEqual([6, before + 1])
  })

  it('is placed once where the same request comes many times at once', async () => {
    const { id } = await product({ stock: 10 })
    const answers = await Promise.all(Array.from({ length: 8 }, () => place(id, 4, 'many')))
    expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThan(0)
    expect(answers.every(({ status, body }) => status === 201 || body.code === 'idempotency_running')).toBe(true)
    expect(await stockOf(id)).toBe(6)
  })

  it('is declined once: the refusal is kept, told of, and no connection is waited for', async () => {
    const { id } = await product({ stock: 3 })
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
