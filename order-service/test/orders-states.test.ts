import type { Tap } from '@clientele/platform/testing/broker'
import { orderCalls, textLine } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
let tap: Tap
beforeAll(async () => {
  service = await startOrders()
  tap = await service.broker.tap()
})
afterAll(() => service?.stop())

const { placed, product, stockOf, movements } = orderCalls(() => service)
const act = (id: string, verb: 'cancel' | 'fulfil', headers = {}) =>
  service.user.post(`/v1/orders/${id}/${verb}`, undefined, headers)
const eventsOf = (id: string) => tap.all().filter(({ subject }) => subject === id)

describe('POST /v1/orders/{id}/cancel', () => {
  it('puts the goods in stock again, once, and tells of it', async () => {
    const { id } = await product({ stock: 10 })
    const order = await placed([{ productId: id, quantity: 3 }, textLine, { productId: id, quantity: 4 }])
    expect(await stockOf(id)).toBe(3)
    const { status, body } = await act(order.id, 'cancel')
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

    expect((await act(order.id, 'cancel')).body).toEqual(body)
    expect(await movements(id)).toHaveLength(3)
    expect(await stockOf(id)).toBe(10)
  })

  it('restocks a product that is archived by now', async () => {
    const { id } = await product({ stock: 5 })
    const order = await placed([{ productId: id, quantity: 5 }])
    expect((await service.user.delete(`/v1/products/${id}`)).status).toBe(204)
    expect((await act(order.id, 'cancel')).status).toBe(200)
    expect((await service.user.post(`/v1/products/${id}/restore`)).body.stock).toBe(5)
  })

  it('answers 409 of a fulfilled one', async () => {
    const order = await placed()
    await act(order.id, 'fulfil')
    expect(await act(order.id, 'cancel')).toMatchObject({ status: 409, body: { code: 'invalid_state' } })
  })

  it('happens once where many ask at a time', async () => {
    const { id } = await product({ stock: 10 })
    const order = await placed([{ productId: id, quantity: 10 }])
    const answers = await Promise.all(Array.from({ length: 20 }, () => act(order.id, 'cancel')))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect([await stockOf(id), (await movements(id)).length]).toEqual([10, 3])
  })
})

describe('POST /v1/orders/{id}/fulfil', () => {
  it('closes the order, once, and tells of it', async () => {
    const order = await placed()
    const { status, body } = await act(order.id, 'fulfil')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      status: 'fulfilled',
      version: 2,
      fulfilledAt: expect.stringMatching(/Z$/),
      cancelledAt: null,
    })
    expect((await act(order.id, 'fulfil')).body).toEqual(body)
    await tap.next('order.fulfilled.v1', order.id)
    expect(eventsOf(order.id).map(({ type }) => type)).toEqual(['order.placed.v1', 'order.fulfilled.v1'])
  })

  it('answers 409 of a cancelled one, 404 of none, 412 to an older version', async () => {
    const order = await placed()
    expect((await act(order.id, 'fulfil', { 'if-match': '"7.x"' })).status).toBe(412)
    await act(order.id, 'cancel')
    expect(await act(order.id, 'fulfil')).toMatchObject({ status: 409, body: { code: 'invalid_state' } })
    expect((await act('0190a5c4-6f00-7000-8000-000000000001', 'fulfil')).status).toBe(404)
    expect((await act('x', 'cancel')).status).toBe(404)
  })

  it('wins or loses against a cancellation, never both', async () => {
    const { id } = await product({ stock: 100 })
    for (let round = 0; round < 10; round++) {
      const order = await placed([{ productId: id, quantity: 1 }])
      const before = await stockOf(id)
      const [fulfilled, cancelled] = await Promise.all([act(order.id, 'fulfil'), act(order.id, 'cancel')])
      expect([fulfilled.status, cancelled.status].sort()).toEqual([200, 409])
      expect(await stockOf(id)).toBe(cancelled.status === 200 ? before + 1 : before)
    }
  })
})
