import { randomUUID } from 'node:crypto'
import { gatewayTimeoutHeader } from '@clientele/platform/http/gateway-timeout'
import { orderCalls, textLine } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startOrders()
})
afterAll(() => service?.stop())

const { createOrder, createProduct, stockOf } = orderCalls(() => service)
const batch = (items: unknown[], headers = {}) => service.user.post('/v1/orders/batch', { items }, headers)

describe('POST /v1/orders/batch', () => {
  it('a batch fulfils and cancels orders, and each item has its own result', async () => {
    const { id: productId } = await createProduct({ stock: 10 })
    const [first, second, third] = [
      await createOrder([textLine]),
      await createOrder([{ productId, quantity: 4 }]),
      await createOrder([textLine]),
    ]
    await service.user.post(`/v1/orders/${third.id}/fulfil`)
    const { status, body } = await batch([
      { op: 'fulfil', id: first.id },
      { op: 'cancel', key: second.number, idBy: 'number', version: 1 },
      { op: 'cancel', id: third.id },
      { op: 'fulfil', id: randomUUID() },
      { op: 'fulfil', id: first.id, version: 1 },
      { op: 'fulfil', key: first.number },
    ])
    expect([status, body.counts]).toEqual([207, { succeeded: 2, failed: 4 }])
    expect(body.results.map((each: { index: number; status: number }) => [each.index, each.status])).toEqual(
      [200, 200, 409, 404, 412, 422].map((each, index) => [index, each]),
    )
    expect(body.results[0]).toEqual({
      index: 0,
      status: 200,
      id: first.id,
      order: (await service.user.get(`/v1/orders/${first.id}`)).body,
    })
    expect(body.results[1].order).toMatchObject({ id: second.id, status: 'cancelled' })
    expect(body.results[2].problem).toMatchObject({ code: 'invalid_state' })
    expect(body.results[5].problem.errors).toEqual([expect.objectContaining({ pointer: '/id', code: 'required' })])
    expect(await stockOf(productId)).toBe(10)
  })

  it('a batch of which all items succeed is 200, and it can be sent again', async () => {
    const items = [
      { op: 'fulfil', id: (await createOrder([textLine])).id },
      { op: 'fulfil', id: (await createOrder([textLine])).id },
    ]
    const first = await batch(items)
    expect([first.status, first.body.counts]).toEqual([200, { succeeded: 2, failed: 0 }])
    expect((await batch(items)).body).toEqual(first.body)
  })

  it('items that the batch has no time for are 503 and were not tried', async () => {
    const order = await createOrder([textLine])
    const { status, body } = await batch([{ op: 'cancel', id: order.id }], { [gatewayTimeoutHeader]: '0.000001' })
    expect([status, body.results[0].status, body.results[0].problem.code]).toEqual([207, 503, 'unavailable'])
    expect((await service.user.get(`/v1/orders/${order.id}`)).body.status).toBe('placed')
  })

  it('an empty batch, one of more than 500 items and an unknown operation are 422', async () => {
    const item = { op: 'fulfil', id: randomUUID() }
    for (const items of [[], Array.from({ length: 501 }, () => item), [{ ...item, op: 'refund' }]])
      expect((await batch(items)).status).toBe(422)
  })
})
