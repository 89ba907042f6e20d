import { signedInAs } from '@clientele/platform/testing/tokens'
import { lockStock, moveStock } from '../src/stock/stock.ts'
import { aProduct, type Running, startOrders } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startOrders()
})
afterAll(() => service?.stop())

type Movement = { delta: number; stockAfter: number; kind: string; reason: string }

const create = async (fields: Record<string, unknown> = {}) => {
  const { body } = await service.user.post('/v1/products', aProduct(fields))
  const path = `/v1/products/${body.id}`
  const ledger = async (query = ''): Promise<Movement[]> =>
    (await service.user.get(`${path}/stock-movements${query}`)).body.data
  return {
    ...{ id: body.id as string, path, ledger },
    move: (delta: unknown, reason: unknown = 'counted') =>
      service.user.post(`${path}/stock-movements`, { delta, reason }),
    stock: async () => (await service.user.get(path)).body.stock,
  }
}
const columns = ({ delta, stockAfter, kind, reason }: Movement) => [delta, stockAfter, kind, reason]

describe('Stock movements', () => {
  it('stock movements are listed newest first, and the stock is their sum', async () => {
    const { id: userId } = await signedInAs('user')
    const product = await create({ stock: '100' })
    const { status, body, headers } = await product.move('20', 'delivery 2026-117')
    expect(status).toBe(201)
    expect(headers.get('location')).toBe(`${product.path}/stock-movements`)
    expect(body).toMatchObject({
      ...{ productId: product.id, delta: 20, stockAfter: 120, kind: 'manual', reason: 'delivery 2026-117' },
      ...{ orderId: null, createdBy: { id: userId }, createdAt: expect.stringMatching(/Z$/) },
    })
    await service.user.patch(product.path, { stock: 50, name: 'Counted' }, { 'if-match': '"2"' })
    await service.user.put(product.path, { name: 'Counted', price: 1, stock: '60' })
    expect((await product.ledger()).map(columns)).toEqual([
      [10, 60, 'manual', 'set to 60'],
      [-70, 50, 'manual', 'set to 50'],
      [20, 120, 'manual', 'delivery 2026-117'],
      [100, 100, 'initial', 'initial stock'],
    ])
    expect((await product.ledger())[2]).toEqual(body)
    expect(await product.stock()).toBe(60)
  })

  it('no movement is made for a product without stock, or if the stock is set to its current value', async () => {
    const product = await create({ stock: undefined })
    const { status, body } = await service.user.patch(product.path, { stock: 0 })
    expect([status, body.version, await product.ledger()]).toEqual([200, 1, []])
  })

  it('stock movements can be paged by cursor in both directions', async () => {
    const product = await create({ stock: 1 })
    for (let step = 0; step < 7; step += 1) await product.move(1)
    const page = async (query: string) => (await service.user.get(`${product.path}/stock-movements?${query}`)).body
    const first = await page('limit=3')
    const second = await page(`limit=3&cursor=${first.page.nextCursor}`)
    const third = await page(`limit=3&cursor=${second.page.nextCursor}`)
    const all = [first, second, third].flatMap(({ data }) => data.map(({ stockAfter }: Movement) => stockAfter))
    expect(all).toEqual([8, 7, 6, 5, 4, 3, 2, 1])
    expect([first.page.total, third.page.nextCursor]).toEqual([8, null])
    expect((await page(`limit=3&cursor=${third.page.prevCursor}`)).data).toEqual(second.data)
    expect((await page('sort=createdAt&limit=1')).data[0].stockAfter).toBe(1)
    expect((await service.user.get(`${product.path}/stock-movements?colour=red`)).status).toBe(400)
  })

  it('a movement below zero returns 409 with the requested and the available quantity, and changes nothing', async () => {
    const product = await create({ stock: 12 })
    const { status, body } = await product.move(-15)
    expect(status).toBe(409)
    expect(body).toMatchObject({
      code: 'insufficient_stock',
      errors: [
        {
          ...{ pointer: '/delta', code: 'stock_short', message: '15 requested, 12 available' },
          ...{ requested: 15, available: 12 },
        },
      ],
    })
    expect([await product.stock(), (await product.ledger()).length]).toEqual([12, 1])
    expect((await product.move(-12)).body).toMatchObject({ delta: -12, stockAfter: 0 })
  })

  it.each([
    ['/delta', 0, 'x'],
    ['/delta', '1.5', 'x'],
    ['/delta', undefined, 'x'],
    ['/delta', 1_000_000_001, 'x'],
    ['/delta', 1_000_000_000, 'one more than there may be'],
    ['/reason', 1, ''],
    ['/reason', 1, null],
  ])('a movement returns 422 at %s for the delta %j and the reason %j', async (pointer, delta, reason) => {
    const product = await create({ stock: 1 })
    const { status, body } = await product.move(delta, reason)
    expect([status, body.errors.map((error: { pointer: string }) => error.pointer)]).toEqual([422, [pointer]])
    expect(await product.stock()).toBe(1)
  })

  it('stock movements of an unknown product return 404', async () => {
    const path = '/v1/products/0190a5c4-6f00-7000-8000-000000000001/stock-movements'
    expect((await service.user.get(path)).status).toBe(404)
    expect((await service.user.post(path, { delta: 1, reason: 'x' })).status).toBe(404)
  })

  it('a repeated request with an Idempotency-Key moves stock once', async () => {
    const product = await create({ stock: 1 })
    const send = () =>
      service.user.post(`${product.path}/stock-movements`, { delta: 4, reason: 'x' }, { 'idempotency-key': 'move-1' })
    const [first, again] = [await send(), await send()]
    expect([again.status, again.body, await product.stock()]).toEqual([201, first.body, 5])
  })

  it('a stock movement raises the version of its product and changes its ETag', async () => {
    const { path, move } = await create({ stock: 1 })
    const before = await service.user.get(path)
    await move(1)
    const after = await service.user.get(path, { 'if-none-match': before.headers.get('etag') ?? '' })
    expect([after.status, after.body.version]).toEqual([200, before.body.version + 1])
    const ifMatch = { 'if-match': after.headers.get('etag') ?? '' }
    const patch = await service.user.patch(path, { stock: 9, name: 'Other' }, ifMatch)
    expect((await service.user.get(path)).body).toEqual(patch.body)
  })
})

describe('A stock that is set', () => {
  it('setting a stock that an order has changed since it was last set needs If-Match, and puts nothing back without it', async () => {
    const product = await create({ stock: 5 })
    const { body: read } = await service.user.get(product.path)
    const order = { lines: [{ productId: product.id, quantity: 1 }] }
    expect((await service.user.post('/v1/orders', order)).status).toBe(201)
    for (const method of ['patch', 'put'] as const) {
      const { status, body } = await service.user[method](product.path, {
        name: read.name,
        price: read.price,
        stock: 5,
      })
      expect([status, body.code, body.current]).toEqual([428, 'precondition_required', { version: 2, etag: '"2"' }])
    }
    expect(await product.stock()).toBe(4)
    expect((await service.user.patch(product.path, { stock: 4, name: 'Renamed' })).status).toBe(200)
    expect((await service.user.patch(product.path, { stock: 5 }, { 'if-match': '"2"' })).status).toBe(412)
    expect((await service.user.patch(product.path, { stock: 7 }, { 'if-match': '"3"' })).body.stock).toBe(7)
    // Nothing has moved since.
    expect((await service.user.patch(product.path, { stock: 8 })).body.stock).toBe(8)
  })

  it('a stock that cancelled orders have raised above the maximum can be sent as it was read, but not be set', async () => {
    const product = await create({ stock: 5 })
    const { body: order } = await service.user.post('/v1/orders', { lines: [{ productId: product.id, quantity: 3 }] })
    await service.user.patch(product.path, { stock: 1_000_000_000 }, { 'if-match': '"2"' })
    expect((await service.user.post(`/v1/orders/${order.id}/cancel`)).status).toBe(200)
    for (const method of ['patch', 'put'] as const) {
      const { body: read } = await service.user.get(product.path)
      const { status, body } = await service.user[method](product.path, { ...read, name: method })
      expect([status, body.stock, body.name]).toEqual([200, 1_000_000_003, method])
    }
    for (const stock of [1_000_000_001, 1_000_000_004]) {
      const { status, body } = await service.user.patch(product.path, { stock }, { 'if-match': '*' })
      expect([status, body.errors?.[0]]).toMatchObject([422, { pointer: '/stock', code: 'too_big' }])
    }
    expect((await service.user.post('/v1/products', aProduct({ stock: 1_000_000_001 }))).status).toBe(422)
  })
})

describe('Concurrent stock movements', () => {
  it('fifty concurrent movements of one product give the exact stock, one after the other', async () => {
    const product = await create({ stock: 100 })
    const deltas = Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? 3 : -2))
    const responses = await Promise.all(deltas.map((delta) => product.move(delta)))
    expect(responses.every(({ status }) => status === 201)).toBe(true)
    expect(await product.stock()).toBe(125)
    const ledger = (await product.ledger('?limit=200&sort=createdAt')).map(({ delta, stockAfter }) => [
      delta,
      stockAfter,
    ])
    let stock = 0
    for (const [delta = 0, after = 0] of ledger) {
      stock += delta
      expect(after).toBe(stock)
    }
    expect([ledger.length, stock]).toEqual([51, 125])
  })

  it('twenty of fifty concurrent requests get one of twenty pieces', async () => {
    const product = await create({ stock: 20 })
    const responses = await Promise.all(Array.from({ length: 50 }, () => product.move(-1)))
    expect(responses.map(({ status }) => status).sort()).toEqual([...Array(20).fill(201), ...Array(30).fill(409)])
    expect(await product.stock()).toBe(0)
  })

  it('changes of the same products in different orders do not deadlock', async () => {
    const products = await Promise.all(Array.from({ length: 6 }, () => create({ stock: 1000 })))
    const { db } = service
    const actor = { id: 'somebody', displayName: 'Somebody', roles: [], token: '' }
    const cart = (round: number) =>
      products.map((_, index) => ({
        productId: products[(index * (round % 2 === 0 ? 1 : 5) + round) % 6]?.id ?? '',
        ...({ delta: -1, kind: 'order', reason: 'cart', orderId: null } as const),
      }))
    await Promise.all(
      Array.from({ length: 60 }, (_, round) => db.transaction((tx) => moveStock(tx, cart(round), actor))),
    )
    expect(await Promise.all(products.map(({ stock }) => stock()))).toEqual(Array(6).fill(940))
  })
})

describe('moveStock', () => {
  const actor = { id: 'somebody', displayName: 'Somebody', roles: [], token: '' }
  const order = { kind: 'order', reason: 'order ORD-1', orderId: '0190a5c4-6f00-7000-8000-000000000009' } as const

  it('moveStock adds up the changes of one product, names each of them, and moves no other product', async () => {
    const [scarce, plenty] = [await create({ stock: 5 }), await create({ stock: 5 })]
    const { db } = service
    const changes = [
      { productId: scarce.id, delta: -3, ...order, pointer: '/lines/0/quantity' },
      { productId: plenty.id, delta: -1, ...order, pointer: '/lines/1/quantity' },
      { productId: scarce.id, delta: -4, ...order, pointer: '/lines/2/quantity' },
    ]
    const work = db.transaction((tx) => moveStock(tx, changes, actor))
    const short = { code: 'stock_short', message: '7 requested, 5 available', requested: 7, available: 5 }
    await expect(work).rejects.toMatchObject({
      code: 'insufficient_stock',
      options: {
        errors: [
          { pointer: '/lines/0/quantity', ...short },
          { pointer: '/lines/2/quantity', ...short },
        ],
      },
    })
    expect([await scarce.stock(), await plenty.stock()]).toEqual([5, 5])
  })

  it('moveStock accepts locked products, even those in the trash, and returns them after the change', async () => {
    const product = await create({ stock: 5 })
    await service.user.delete(product.path)
    const { products, movements } = await service.db.transaction(async (tx) => {
      const locked = await lockStock(tx, [product.id, product.id])
      const change = { productId: product.id, ...order, kind: 'cancellation' as const }
      return moveStock(
        tx,
        [
          { ...change, delta: 2 },
          { ...change, delta: 3 },
        ],
        actor,
        { locked },
      )
    })
    expect(products.get(product.id)).toMatchObject({ stock: 10, version: 4, deletedAt: expect.any(Date) })
    expect(movements.map(({ stockAfter }) => stockAfter)).toEqual([7, 10])
    expect((await product.ledger()).map(({ delta }) => delta)).toEqual([3, 2, 5])
  })

  it('the database refuses a stock below zero', async () => {
    const product = await create({ stock: 1 })
    const below = service.db.query('update products set stock = -1 where id = $1', [product.id])
    await expect(below).rejects.toMatchObject({ parent: { code: '23514', constraint: 'products_stock' } })
  })
})
