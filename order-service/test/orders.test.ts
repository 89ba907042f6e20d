import { randomUUID } from 'node:crypto'
import { Order } from '@clientele/contracts/order'
import { metrics } from '@clientele/platform/runtime/telemetry'
import type { EventSubscription } from '@clientele/platform/testing/broker'
import { client } from '@clientele/platform/testing/client'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { publicSettings } from '../src/config.ts'
import { errorCodes, orderCalls } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
let tap: EventSubscription
beforeAll(async () => {
  service = await startOrders()
  tap = await service.broker.subscribe()
})
afterAll(() => service?.stop())

const { place, createProduct, stockOf, movements, createCustomer, count } = orderCalls(() => service)

describe('POST /v1/orders', () => {
  it('POST places an order of products and free text', async () => {
    const { id, name } = await createProduct({ price: '2.2', stock: '100' })
    const customerId = await createCustomer()
    const { status, body, headers } = await place(
      [
        { productId: id, quantity: 15 },
        { description: 'macbook m2', unitPrice: '56000.68', quantity: 1 },
      ],
      { customerId },
    )
    expect(status).toBe(201)
    expect(headers.get('location')).toBe(`/v1/orders/${body.id}`)
    expect(Order.parse(body)).toMatchObject({
      number: expect.stringMatching(/^ORD-\d{6}$/),
      customerId,
      status: 'placed',
      lines: [
        { productId: id, description: name, quantity: 15, unitPrice: '2.20', lineTotal: '33.00' },
        { productId: null, description: 'macbook m2', quantity: 1, unitPrice: '56000.68', lineTotal: '56000.68' },
      ],
      total: '56033.68',
      currency: 'EUR',
      note: null,
      metadata: {},
      fulfilledAt: null,
      cancelledAt: null,
      version: 1,
    })
    expect(body.createdBy.id).toBe((await signedInAs('user')).id)
    expect(await stockOf(id)).toBe(85)
    const [movement] = await movements(id)
    expect(movement).toMatchObject({ delta: -15, stockAfter: 85, kind: 'order', orderId: body.id })
    const read = await service.user.get(`/v1/orders/${body.id}`)
    expect(read.body).toEqual(body)
    expect(read.headers.get('etag')).toBe(headers.get('etag'))
    const { data } = await tap.next('order.placed.v1', body.id)
    const { customer: _customer, ...inEvents } = body
    expect(data).toMatchObject(inEvents)
    await expect(tap.next('product.stock_changed.v1', id)).resolves.toMatchObject({
      data: { movement: { kind: 'initial' } },
    })
    await expect(tap.next('product.stock_changed.v1', id)).resolves.toMatchObject({
      data: { stock: 85, movement: { orderId: body.id } },
    })
  })

  it('POST accepts the price of a free-text line as a string or a number', async () => {
    const customerId = await createCustomer()
    for (const unitPrice of ['56000.68', 56000.68]) {
      const { status, body } = await place([{ description: 'macbook m2', unitPrice }], { customerId })
      expect(status).toBe(201)
      expect(body).toMatchObject({ total: '56000.68', lines: [{ quantity: 1, lineTotal: '56000.68' }] })
    }
  })

  it('an order can take all of the stock, and needs no customer', async () => {
    const { id } = await createProduct({ stock: 7 })
    const { status, body } = await place([{ productId: id, quantity: 7 }])
    expect([status, body.customerId, await stockOf(id)]).toEqual([201, null, 0])
  })

  it('an order keeps the price and the name that a product had when it was placed', async () => {
    const made = await createProduct({ price: '3.5' })
    const { body } = await place([{ productId: made.id, quantity: 2 }])
    await service.user.patch(`/v1/products/${made.id}`, { price: '9.99', name: 'Dearer' })
    const { body: read } = await service.user.get(`/v1/orders/${body.id}`)
    expect(read.lines).toMatchObject([{ description: made.name, unitPrice: '3.50', lineTotal: '7.00' }])
  })

  it('the total of 200 lines of a million pieces at the maximum price is exact', async () => {
    const line = { description: 'gold', unitPrice: '999999999999.99', quantity: 1_000_000 }
    const { status, body } = await place(Array.from({ length: 200 }, () => line))
    expect(status).toBe(201)
    expect(body.lines[199].lineTotal).toBe('999999999999990000.00')
    expect(body.total).toBe('199999999999998000000.00')
    expect((await service.user.get(`/v1/orders/${body.id}`)).body.total).toBe(body.total)
  })

  it('the total of 0.10 and 0.20 is 0.30', async () => {
    const { body } = await place([
      { description: 'a', unitPrice: '0.1' },
      { description: 'b', unitPrice: 0.2 },
    ])
    expect(body.total).toBe('0.30')
  })

  it('several lines of one product make one stock movement', async () => {
    const { id } = await createProduct({ stock: 10 })
    const { status } = await place([
      { productId: id, quantity: 4 },
      { description: 'wrapping', unitPrice: '1' },
      { productId: id.toUpperCase(), quantity: 6 },
    ])
    expect([status, await stockOf(id)]).toEqual([201, 0])
    expect((await movements(id)).map(({ delta }: { delta: number }) => delta)).toEqual([-10, 10])
  })

  it('an order can have 1 to 200 lines', async () => {
    const products = await Promise.all(Array.from({ length: 10 }, () => createProduct({ stock: 1000 })))
    const lines = (length: number) =>
      Array.from({ length }, (_, index) => ({ productId: products[index % 10].id, quantity: 1 }))
    expect((await place(lines(200))).status).toBe(201)
    expect(errorCodes((await place(lines(201))).body)).toEqual(['/lines too_big'])
    expect(errorCodes((await place([])).body)).toEqual(['/lines too_small'])
    expect(await stockOf(products[0].id)).toBe(980)
  })

  it('order numbers increase', async () => {
    const first = (await place([{ description: 'a', unitPrice: 1 }])).body.number
    const second = (await place([{ description: 'a', unitPrice: 1 }])).body.number
    expect(Number(second.slice(4))).toBeGreaterThan(Number(first.slice(4)))
  })
})

describe('Orders with insufficient stock', () => {
  it('POST returns 409 that names every short line, stores nothing, and publishes order.declined.v1', async () => {
    const [short, enough] = [await createProduct({ stock: 12 }), await createProduct({ stock: 12 })]
    const before = await count('orders')
    const { status, body } = await place([
      { productId: short.id, quantity: 15 },
      { productId: enough.id, quantity: 12 },
    ])
    expect(status).toBe(409)
    expect(body).toMatchObject({
      type: '/problems/insufficient-stock',
      code: 'insufficient_stock',
      detail: '1 of 2 lines cannot be delivered',
      instance: '/v1/orders',
    })
    expect(body.errors).toEqual([
      {
        pointer: '/lines/0/quantity',
        code: 'stock_short',
        message: '15 requested, 12 available',
        requested: 15,
        available: 12,
      },
    ])
    expect([await count('orders'), await stockOf(short.id), await stockOf(enough.id)]).toEqual([before, 12, 12])
    expect(await movements(enough.id)).toHaveLength(1)
    const { data } = await tap.next('order.declined.v1')
    expect(data).toMatchObject({
      customerId: null,
      short: [{ productId: short.id, requested: 15, available: 12 }],
      actor: { id: (await signedInAs('user')).id },
      version: 1,
    })
  })

  it('the lines of one product are added up, and each of them is named', async () => {
    const { id } = await createProduct({ stock: 12 })
    const { body } = await place([
      { productId: id, quantity: 6 },
      { description: 'wrapping', unitPrice: '1' },
      { productId: id, quantity: 9 },
    ])
    expect(body).toMatchObject({ code: 'insufficient_stock', detail: '2 of 3 lines cannot be delivered' })
    const shortage = { requested: 15, available: 12, message: '15 requested, 12 available' }
    expect(body.errors).toMatchObject([
      { pointer: '/lines/0/quantity', ...shortage },
      { pointer: '/lines/2/quantity', ...shortage },
    ])
  })

  it('a declined order is counted in the metrics', async () => {
    const { id } = await createProduct({ stock: 0 })
    const declinedCount = async () =>
      Number(/ (\d+)$/m.exec(await metrics.getSingleMetricAsString('clientele_orders_declined_total'))?.[1])
    const before = await declinedCount()
    await place([{ productId: id, quantity: 1 }])
    expect(await declinedCount()).toBe(before + 1)
  })
})

describe('Invalid orders', () => {
  it('POST names every line whose product is unknown, in the trash or inactive', async () => {
    const [deleted, inactive, orderable] = [
      await createProduct(),
      await createProduct({ active: false }),
      await createProduct(),
    ]
    await service.user.delete(`/v1/products/${deleted.id}`)
    const { status, body } = await place([
      { productId: randomUUID(), quantity: 1 },
      { productId: deleted.id, quantity: 1 },
      { productId: orderable.id, quantity: 1 },
      { productId: inactive.id, quantity: 1 },
    ])
    expect(status).toBe(422)
    expect(errorCodes(body)).toEqual([
      '/lines/0/productId not_found',
      '/lines/1/productId not_available',
      '/lines/3/productId not_available',
    ])
    expect(await stockOf(orderable.id)).toBe(100)
  })

  it('an order has a single currency, that of its products', async () => {
    const [euros, yen] = [await createProduct(), await createProduct({ price: '250', currency: 'JPY' })]
    const mixed = await place([
      { productId: euros.id, quantity: 1 },
      { productId: yen.id, quantity: 1 },
    ])
    expect(errorCodes(mixed.body)).toEqual(['/lines/1/productId other_currency'])
    const other = await place([{ productId: yen.id, quantity: 1 }], { currency: 'EUR' })
    expect(errorCodes(other.body)).toEqual(['/currency mismatch'])
    const { body } = await place([
      { productId: yen.id, quantity: 2 },
      { description: 'postage', unitPrice: '80' },
    ])
    expect(body).toMatchObject({ currency: 'JPY', total: '580', lines: [{ lineTotal: '500' }, { unitPrice: '80' }] })
  })

  it('POST names an amount with more decimals than its currency', async () => {
    const text = (unitPrice: string) => ({ description: 'a', unitPrice })
    const { status, body } = await place([text('1'), text('1.5'), text('1.500'), text('1.005')])
    expect([status, errorCodes(body)]).toEqual([422, ['/lines/3/unitPrice too_many_decimals']])
    expect(errorCodes((await place([text('1.5')], { currency: 'JPY' })).body)).toEqual([
      '/lines/0/unitPrice too_many_decimals',
    ])
    expect((await place([text('1.005')], { currency: 'kwd' })).body).toMatchObject({ currency: 'KWD', total: '1.005' })
    expect(errorCodes((await place([text('1')], { currency: 'ABC' })).body)).toEqual(['/currency unknown_currency'])
  })

  it.each([
    [{ productId: 'x', quantity: 1 }, '/lines/0/productId invalid_format'],
    [{ productId: randomUUID(), quantity: 0 }, '/lines/0/quantity too_small'],
    [{ productId: randomUUID(), quantity: 1_000_001 }, '/lines/0/quantity too_big'],
    [{ description: '', unitPrice: '1' }, '/lines/0/description too_small'],
    [{ description: 'a', unitPrice: '-1' }, '/lines/0/unitPrice invalid_format'],
    [{ productId: randomUUID(), quantity: 1, price: '1' }, '/lines/0/price unknown_field'],
    [{ productId: randomUUID() }, '/lines/0/quantity required'],
    [{}, '/lines/0 invalid_union'],
  ])('POST refuses the line %j at %s', async (line, expected) => {
    const { status, body } = await place([line])
    expect([status, errorCodes(body)]).toEqual([422, [expected]])
  })

  it('POST refuses unknown fields such as a total', async () => {
    const { status, body } = await place([{ description: 'a', unitPrice: 1 }], { total: '1', status: 'fulfilled' })
    expect([status, errorCodes(body).sort()]).toEqual([422, ['/status unknown_field', '/total unknown_field']])
  })

  it('orders need a token, and PUT and DELETE return 405', async () => {
    const { body } = await place([{ description: 'a', unitPrice: 1 }])
    expect((await fetch(`${service.url}/v1/orders`)).status).toBe(401)
    const response = await service.user.put(`/v1/orders/${body.id}`, { note: 'x' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, PATCH, HEAD'])
    expect((await service.admin.delete(`/v1/orders/${body.id}`)).status).toBe(405)
  })
})

describe('GET and PATCH /v1/orders/{key}', () => {
  const createOrder = async (fields: Record<string, unknown> = {}) =>
    (await place([{ description: 'a', unitPrice: 1 }], fields)).body

  it('GET finds an order by id and by number, in upper or lower case', async () => {
    const order = await createOrder()
    expect((await service.user.get(`/v1/orders/${order.number.toLowerCase()}?idBy=number`)).body).toEqual(order)
    for (const key of [
      randomUUID(),
      'x',
      `${order.number}?idBy=number`.replace('ORD', 'CUS'),
      'ORD-999999999?idBy=number',
    ])
      expect((await service.user.get(`/v1/orders/${key}`)).status).toBe(404)
    expect((await service.user.get(`/v1/orders/${order.id}?idBy=email`)).status).toBe(400)
  })

  it('GET returns 304 for the current ETag', async () => {
    const order = await createOrder({ metadata: { z: 1, a: 'b' } })
    const { headers } = await service.user.get(`/v1/orders/${order.id}`)
    const again = await service.user.get(`/v1/orders/${order.id}`, { 'if-none-match': headers.get('etag') ?? '' })
    expect(again.status).toBe(304)
  })

  it('PATCH merges note and metadata, raises the version and publishes order.updated.v1', async () => {
    const order = await createOrder({ note: 'ring twice', metadata: { a: 1, b: 2, none: null } })
    expect(order.metadata).toEqual({ a: 1, b: 2 })
    const { status, body } = await service.admin.patch(`/v1/orders/${order.id}`, {
      note: null,
      metadata: { a: null, c: 3 },
    })
    expect(status).toBe(200)
    expect(body).toMatchObject({ note: null, version: 2, updatedBy: { id: (await signedInAs('admin')).id } })
    expect(body.metadata).toEqual({ b: 2, c: 3 })
    expect(body.createdBy).toEqual(order.createdBy)
    const { data } = await tap.next('order.updated.v1', order.id)
    expect(data).toMatchObject({
      version: 2,
      changed: ['note', 'metadata'],
      previous: { note: 'ring twice', metadata: { a: 1, b: 2 } },
    })
    expect(
      (await service.user.patch(`/v1/orders/${order.number}?idBy=number`, { metadata: { b: 2 } })).body.version,
    ).toBe(2)
  })

  it('PATCH returns 412 when If-Match names an older version, and 422 for fields that cannot change', async () => {
    const order = await createOrder()
    const path = `/v1/orders/${order.id}`
    expect((await service.user.patch(path, { note: 'a' }, { 'if-match': '"1.x"' })).status).toBe(200)
    expect((await service.user.patch(path, { note: 'b' }, { 'if-match': '"1.x"' })).status).toBe(412)
    const { status, body } = await service.user.patch(path, { total: '1', lines: [], customerId: order.id })
    expect([status, errorCodes(body).sort()]).toEqual([
      422,
      ['/customerId read_only', '/lines read_only', '/total read_only'],
    ])
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, key) => [`a${key}`, key]))
    const others = Object.fromEntries(Array.from({ length: 30 }, (_, key) => [`b${key}`, key]))
    expect((await service.user.patch(path, { metadata: many })).status).toBe(200)
    expect(errorCodes((await service.user.patch(path, { metadata: others })).body)).toEqual(['/metadata too_big'])
  })
})

describe('ORDER_REQUIRES_CUSTOMER', () => {
  it('an order without a customer is refused at /customerId if every order needs one', async () => {
    const strict = await service.startReplica({ orderRequiresCustomer: true })
    const user = client(strict.url, (await signedInAs('user')).token)
    const lines = [{ description: 'gift wrap', unitPrice: '1.005' }]
    for (const fields of [{}, { customerId: null }]) {
      const { status, body } = await user.post('/v1/orders', { lines, ...fields })
      expect([status, errorCodes(body)]).toEqual([
        422,
        ['/customerId required', '/lines/0/unitPrice too_many_decimals'],
      ])
    }
    const customerId = await createCustomer()
    const { status } = await user.post('/v1/orders', { lines: [{ description: 'a', unitPrice: '1' }], customerId })
    expect(status).toBe(201)
    await strict.stop()
    expect(publicSettings({ shopCurrency: 'KES', orderRequiresCustomer: true })).toEqual({
      shop: { currency: 'KES' },
      orders: { customerRequired: true },
    })
  })
})

describe('The date of an order', () => {
  it('placedAt is the time of the server, and a body that names another time gets 422', async () => {
    const before = Date.now()
    const { body } = await place([{ description: 'gift wrap', unitPrice: '1.50', quantity: 1 }])
    const placedAt = Date.parse(body.placedAt)
    // The clock of the database may differ by some milliseconds.
    expect(placedAt).toBeGreaterThan(before - 2_000)
    expect(placedAt).toBeLessThan(Date.now() + 2_000)
    const refused = await place([{ description: 'gift wrap', unitPrice: '1.50', quantity: 1 }], {
      placedAt: '2020-01-01T00:00:00Z',
    })
    expect([refused.status, errorCodes(refused.body)]).toEqual([422, ['/placedAt unknown_field']])
  })
})
