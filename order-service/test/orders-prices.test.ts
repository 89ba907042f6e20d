import { orderCalls } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startOrders()
})
afterAll(() => service?.stop())

const { place, createProduct, stockOf, count } = orderCalls(() => service)

describe('The price that the buyer has seen', () => {
  it('an order at the expected prices and the expected total is placed', async () => {
    const { id } = await createProduct({ price: '2.20' })
    const lines = [
      { productId: id, quantity: 3, expectedPrice: 2.2 },
      { description: 'wrapping', unitPrice: '0.5' },
    ]
    const { status, body } = await place(lines, { expectedTotal: '7.1' })
    expect([status, body.total]).toEqual([201, '7.10'])
  })

  it('a changed price is 409 price_changed, which names each line and the total with both values, and places nothing', async () => {
    const [changed, same] = [await createProduct({ price: '2.20', stock: 9 }), await createProduct({ price: '1' })]
    await service.user.patch(`/v1/products/${changed.id}`, { price: '2.50' })
    const before = await count('orders')
    const lines = [
      { productId: same.id, quantity: 1, expectedPrice: '1.00' },
      { productId: changed.id.toUpperCase(), quantity: 2, expectedPrice: '2.20' },
      { productId: changed.id, quantity: 1 },
    ]
    const { status, body } = await place(lines, { expectedTotal: '7.6' })
    expect([status, body.code]).toEqual([409, 'price_changed'])
    expect(body.errors).toEqual([
      {
        pointer: '/lines/1/expectedPrice',
        code: 'price_changed',
        message: 'is 2.50 now, not 2.20',
        expected: '2.20',
        current: '2.50',
      },
      {
        pointer: '/expectedTotal',
        code: 'price_changed',
        message: 'is 8.50 now, not 7.6',
        expected: '7.6',
        current: '8.50',
      },
    ])
    expect([await stockOf(changed.id), await count('orders')]).toEqual([9, before])
    const unlike = await place([{ productId: same.id, quantity: 1, expectedPrice: '1.001' }])
    expect([unlike.status, unlike.body.code]).toEqual([409, 'price_changed'])
  })

  it('a changed price comes before a shortage, and invalid fields come before both', async () => {
    const { id } = await createProduct({ price: '2', stock: 1 })
    const line = { productId: id, quantity: 5, expectedPrice: '3' }
    expect((await place([line])).body.code).toBe('price_changed')
    expect((await place([{ ...line, expectedPrice: '2' }])).body.code).toBe('insufficient_stock')
    expect((await place([line, { description: 'a', unitPrice: '0.001' }])).body.code).toBe('validation')
  })
})

describe('An agreed price', () => {
  it('an admin sells a product from stock at an agreed price', async () => {
    const { id, name } = await createProduct({ price: '10', stock: 5 })
    const lines = [{ productId: id, quantity: 2, expectedPrice: '10', unitPrice: '8.5' }]
    const { status, body } = await place(lines, { expectedTotal: '17' }, service.admin)
    expect([status, body.lines[0]]).toEqual([
      201,
      expect.objectContaining({ productId: id, description: name, unitPrice: '8.50', lineTotal: '17.00' }),
    ])
    expect([await stockOf(id), (await service.user.get(`/v1/products/${id}`)).body.price]).toEqual([3, '10.00'])
    const refused = await place([{ productId: id, quantity: 1, unitPrice: '8.555' }], {}, service.admin)
    expect(refused.body.errors).toEqual([
      expect.objectContaining({ pointer: '/lines/0/unitPrice', code: 'too_many_decimals' }),
    ])
  })

  it('the agreed price of a product is 403 for a user who is no admin', async () => {
    const { id } = await createProduct({ stock: 5 })
    const { status, body } = await place([
      { productId: id, quantity: 1 },
      { productId: id, quantity: 1, unitPrice: '0.01' },
    ])
    expect([status, body.errors]).toEqual([
      403,
      [expect.objectContaining({ pointer: '/lines/1/unitPrice', code: 'needs_admin' })],
    ])
    expect(await stockOf(id)).toBe(5)
  })
})
