import type { EventSubscription } from '@clientele/platform/testing/broker'
import { orderCalls, textLine } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
let tap: EventSubscription
beforeAll(async () => {
  service = await startOrders()
  tap = await service.broker.subscribe()
})
afterAll(() => service?.stop())

const { createOrder, createProduct, stockOf, movements } = orderCalls(() => service)
const post = (id: string, verb: 'cancel' | 'fulfil', headers = {}) =>
  service.user.post(`/v1/orders/${id}/${verb}`, undefined, headers)
const eventsOf = (id: string) => tap.all().filter(({ subject }) => subject === id)

describe('POST /v1/orders/{key}/cancel', () => {
  it('cancel restocks the products once and publishes order.cancelled.v1', async () => {
    const { id } = await createProduct({ stock: 10 })
    const order = await createOrder([{ productId: id, quantity: 3 }, textLine, { productId: id, quantity: 4 }])
    expect(await stockOf(id)).toBe(3)
    const { status, body } = await post(order.id, 'cancel')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      ...order,
      status: 'cancelled',
      version: 2,
      updatedAt: body.cancelledAt,
      cancelledAt: expect.stringMatching(/Z$/),
    })
    expect(await stockOf(id)).toBe(10)
    expect((await movements(id))[0]).toMatchObject({
      delta: 7,
      stockAfter: 10,
      kind: 'cancellation',
      orderId: order.id,
    })
    await expect(tap.next('order.cancelled.v1', order.id)).resolves.toMatchObject({ data: { version: 2 } })

    expect((await post(order.id, 'cancel')).body).toEqual(body)
    expect(await movements(id)).toHaveLength(3)
    expect(await stockOf(id)).toBe(10)
  })

  it('cancel restocks a product in the trash', async () => {
    const { id } = await createProduct({ stock: 5 })
    const order = await createOrder([{ productId: id, quantity: 5 }])
    expect((await service.user.delete(`/v1/products/${id}`)).status).toBe(204)
    expect((await post(order.id, 'cancel')).status).toBe(200)
    expect((await service.user.post(`/v1/products/${id}/restore`)).body.stock).toBe(5)
  })

  it('cancel returns 409 if the order is fulfilled', async () => {
    const order = await createOrder()
    await post(order.id, 'fulfil')
    expect(await post(order.id, 'cancel')).toMatchObject({ status: 409, body: { code: 'invalid_state' } })
  })

  it('concurrent cancel requests restock once', async () => {
    const { id } = await createProduct({ stock: 10 })
    const order = await createOrder([{ productId: id, quantity: 10 }])
    const responses = await Promise.all(Array.from({ length: 20 }, () => post(order.id, 'cancel')))
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]))
    expect([await stockOf(id), (await movements(id)).length]).toEqual([10, 3])
  })
})

describe('POST /v1/orders/{key}/fulfil', () => {
  it('fulfil marks the order as fulfilled once and publishes order.fulfilled.v1', async () => {
    const order = await createOrder()
    const { status, body } = await post(order.id, 'fulfil')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      status: 'fulfilled',
      version: 2,
      fulfilledAt: expect.stringMatching(/Z$/),
      cancelledAt: null,
    })
    expect((await post(order.id, 'fulfil')).body).toEqual(body)
    await tap.next('order.fulfilled.v1', order.id)
    expect(eventsOf(order.id).map(({ type }) => type)).toEqual(['order.placed.v1', 'order.fulfilled.v1'])
  })

  it('fulfil returns 409 if the order is cancelled, 404 if it does not exist, and 412 when If-Match names an older version', async () => {
    const order = await createOrder()
    expect((await post(order.id, 'fulfil', { 'if-match': '"7.x"' })).status).toBe(412)
    await post(order.id, 'cancel')
    expect(await post(order.id, 'fulfil')).toMatchObject({ status: 409, body: { code: 'invalid_state' } })
    expect((await post('0190a5c4-6f00-7000-8000-000000000001', 'fulfil')).status).toBe(404)
    expect((await post('x', 'cancel')).status).toBe(404)
  })

  it('fulfil and cancel take the number of the order with idBy=number', async () => {
    const [first, second] = [await createOrder(), await createOrder()]
    const change = (number: string, act: string) => service.user.post(`/v1/orders/${number}/${act}?idBy=number`)
    expect((await change(first.number, 'fulfil')).body).toMatchObject({ id: first.id, status: 'fulfilled' })
    expect((await change(second.number, 'cancel')).body).toMatchObject({ id: second.id, status: 'cancelled' })
  })

  it('exactly one of a concurrent fulfil and cancel succeeds', async () => {
    const { id } = await createProduct({ stock: 100 })
    for (let round = 0; round < 10; round++) {
      const order = await createOrder([{ productId: id, quantity: 1 }])
      const before = await stockOf(id)
      const [fulfilled, cancelled] = await Promise.all([post(order.id, 'fulfil'), post(order.id, 'cancel')])
      expect([fulfilled.status, cancelled.status].sort()).toEqual([200, 409])
      expect(await stockOf(id)).toBe(cancelled.status === 200 ? before + 1 : before)
    }
  })
})
