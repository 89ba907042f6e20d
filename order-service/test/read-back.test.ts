import { orderCalls, textLine } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startOrders()
})
afterAll(() => service?.stop())

const { createOrder, createProduct } = orderCalls(() => service)

describe('A resource that is sent as it was read', () => {
  it('PUT and PATCH take a whole product with one field changed, and refuse a changed code or time', async () => {
    const { id } = await createProduct({ stock: 10 })
    for (const method of ['put', 'patch'] as const) {
      const { body: read } = await service.user.get(`/v1/products/${id}`)
      const changed = await service.user[method](`/v1/products/${id}`, { ...read, name: `by ${method}` })
      expect([changed.status, changed.body.name, changed.body.stock]).toEqual([200, `by ${method}`, 10])
      const refused = await service.user[method](`/v1/products/${id}`, {
        ...changed.body,
        createdAt: read.updatedAt.replace('2', '1'),
      })
      expect(refused.body.errors).toEqual([expect.objectContaining({ pointer: '/createdAt', code: 'read_only' })])
    }
  })

  it('PATCH takes a whole order with another note, and refuses other lines', async () => {
    const read = await createOrder([textLine])
    const path = `/v1/orders/${read.id}`
    expect(await service.user.patch(path, { ...read, note: 'ring twice' })).toMatchObject({
      status: 200,
      body: { note: 'ring twice', lines: read.lines, version: 2 },
    })
    const { body } = await service.user.get(path)
    const refused = await service.user.patch(path, { ...body, lines: [], total: '1.00' })
    expect(refused.body.errors).toEqual(
      ['/lines', '/total'].map((pointer) => expect.objectContaining({ pointer, code: 'read_only' })),
    )
  })
})
