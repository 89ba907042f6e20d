import { randomUUID } from 'node:crypto'
import { Order } from '@clientele/contracts/order'
import { metrics } from '@clientele/platform/runtime/telemetry'
import type { Tap } from '@clientele/platform/testing/broker'
import { tokenFor } from '@clientele/platform/testing/tokens'
import { faults, orderCalls } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
let tap: Tap
beforeAll(async () => {
  service = await startOrders()
  tap = await service.broker.tap()
})
afterAll(() => service?.stop())

const { place, product, stockOf, movements, customer, count } = orderCalls(() => service)

describe('POST /v1/orders (S2-05, S2-12, S2-23, S3-02, X4)', () => {
  it('places the order of the contract: goods from stock and free text together', async () => {
    const { id, name } = await product({ price: '2.2', stock: '100' })
    const customerId = await customer()
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
    expect(body.createdBy.id).toBe((await tokenFor('user')).id)
    expect(await stockOf(id)).toBe(85)
    const [movement] = await movements(id)
    expect(movement).toMatchObject({ delta: -15, stockAfter: 85, kind: 'order', orderId: body.id })
    const read = await service.user.get(`/v1/orders/${body.id}`)
    expect(read.body).toEqual(body)
    expect(read.headers.get('etag')).toBe(headers.get('etag'))
    const { data } = await tap.next('order.placed.v1', body.id)
    expect(data).toMatchObject(body)
    await expect(tap.next('product.stock_changed.v1', id)).resolves.toMatchObject({
      data: { movement: { kind: 'initial' } },
    })
    await expect(tap.next('product.stock_changed.v1', id)).resolves.toMatchObject({
      data: { stock: 85, movement: { orderId: body.id } },
    })
  })

  it('takes the one free-text item of seed 003, with its amount as text or as a number', async () => {
    const customerId = await customer()
    for (const unitPrice of ['56000.68', 56000.68]) {
      const { status, body } = await place([{ description: 'macbook m2', unitPrice }], { customerId })
      expect(status).toBe(201)
      expect(body).toMatchObject({ total: '56000.68', lines: [{ quantity: 1, lineTotal: '56000.68' }] })
    }
  })

  it('takes the last piece, and needs no customer (S2-13)', async () => {
    const { id } = await product({ stock: 7 })
    const { status, body } = await place([{ productId: id, quantity: 7 }])
    expect([status, body.customerId, await stockOf(id)]).toEqual([201, null, 0])
  })

  it('keeps the price and the name of the moment', async () => {
    const made = await product({ price: '3.5' })
    const { body } = await place([{ productId: made.id, quantity: 2 }])
    await service.user.patch(`/v1/products/${made.id}`, { price: '9.99', name: 'Dearer' })
    const { body: read } = await service.user.get(`/v1/orders/${body.id}`)
    expect(read.lines).toMatchObject([{ description: made.name, unitPrice: '3.50', lineTotal: '7.00' }])
  })

  it('adds up to the last cent: 200 lines of a million pieces at the highest price', async () => {
    const line = { description: 'gold', unitPrice: '999999999999.99', quantity: 1_000_000 }
    const { status, body } = await place(Array.from({ length: 200 }, () => line))
    expect(status).toBe(201)
    expect(body.lines[199].lineTotal).toBe('999999999999990000.00')
    expect(body.total).toBe('199999999999998000000.00')
    expect((await service.user.get(`/v1/orders/${body.id}`)).body.total).toBe(body.total)
  })

  it('adds 0.10 and 0.20 to 0.30', async () => {
    const { body } = await place([
      { description: 'a', unitPrice: '0.1' },
      { description: 'b', unitPrice: 0.2 },
    ])
    expect(body.total).toBe('0.30')
  })

  it('takes one movement a product where several lines want it', async () => {
    const { id } = await product({ stock: 10 })
    const { status } = await place([
      { productId: id, quantity: 4 },
      { description: 'wrapping', unitPrice: '1' },
      { productId: id.toUpperCase(), quantity: 6 },
    ])
    expect([status, await stockOf(id)]).toEqual([201, 0])
    expect((await movements(id)).map(({ delta }: { delta: number }) => delta)).toEqual([-10, 10])
  })

  it('takes 200 lines and refuses 201, and none', async () => {
    const products = await Promise.all(Array.from({ length: 10 }, () => product({ stock: 1000 })))
    const lines = (length: number) =>
      Array.from({ length }, (_, index) => ({ productId: products[index % 10].id, quantity: 1 }))
    expect((await place(lines(200))).status).toBe(201)
    expect(faults((await place(lines(201))).body)).toEqual(['/lines too_big'])
    expect(faults((await place([])).body)).toEqual(['/lines too_small'])
    expect(await stockOf(products[0].id)).toBe(980)
  })

  it('grows in number', async () => {
    const first = (await place([{ description: 'a', unitPrice: 1 }])).body.number
    const second = (await place([{ description: 'a', unitPrice: 1 }])).body.number
    expect(Number(second.slice(4))).toBeGreaterThan(Number(first.slice(4)))
  })
})

describe('an order that cannot be delivered (S2-14, X7)', () => {
  it('answers 409 naming every short line, stores nothing, and tells of it', async () => {
    const [short, enough] = [await product({ stock: 12 }), await product({ stock: 12 })]
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
      actor: { id: (await tokenFor('user')).id },
      version: 1,
    })
  })

  it('counts the lines of one product together and names each of them', async () => {
    const { id } = await product({ stock: 12 })
    const { body } = await place([
      { productId: id, quantity: 6 },
      { description: 'wrapping', unitPrice: '1' },
      { productId: id, quantity: 9 },
    ])
    expect(body).toMatchObject({ code: 'insufficient_stock', detail: '2 of 3 lines cannot be delivered' })
    const told = { requested: 15, available: 12, message: '15 requested, 12 available' }
    expect(body.errors).toMatchObject([
      { pointer: '/lines/0/quantity', ...told },
      { pointer: '/lines/2/quantity', ...told },
    ])
  })

  it('is counted', async () => {
    const { id } = await product({ stock: 0 })
    const counted = async () =>
      Number(/ (\d+)$/m.exec(await metrics.getSingleMetricAsString('clientele_orders_declined_total'))?.[1])
    const before = await counted()
    await place([{ productId: id, quantity: 1 }])
    expect(await counted()).toBe(before + 1)
  })
})

describe('what an order cannot be', () => {
  it('names every line whose product is unknown, archived or inactive', async () => {
    const [archived, inactive, good] = [await product(), await product({ active: false }), await product()]
    await service.user.delete(`/v1/products/${archived.id}`)
    const { status, body } = await place([
      { productId: randomUUID(), quantity: 1 },
      { productId: archived.id, quantity: 1 },
      { productId: good.id, quantity: 1 },
      { productId: inactive.id, quantity: 1 },
    ])
    expect(status).toBe(422)
    expect(faults(body)).toEqual([
      '/lines/0/productId not_found',
      '/lines/1/productId not_available',
      '/lines/3/productId not_available',
    ])
    expect(await stockOf(good.id)).toBe(100)
  })

  it('has one currency: that of its products', async () => {
    const [euros, yen] = [await product(), await product({ price: '250', currency: 'JPY' })]
    const mixed = await place([
      { productId: euros.id, quantity: 1 },
      { productId: yen.id, quantity: 1 },
    ])
    expect(faults(mixed.body)).toEqual(['/lines/1/productId other_currency'])
    const other = await place([{ productId: yen.id, quantity: 1 }], { currency: 'EUR' })
    expect(faults(other.body)).toEqual(['/currency mismatch'])
    const { body } = await place([
      { productId: yen.id, quantity: 2 },
      { description: 'postage', unitPrice: '80' },
    ])
    expect(body).toMatchObject({ currency: 'JPY', total: '580', lines: [{ lineTotal: '500' }, { unitPrice: '80' }] })
  })

  it('names an amount with more decimals than the currency has', async () => {
    const text = (unitPrice: string) => ({ description: 'a', unitPrice })
    const { status, body } = await place([text('1'), text('1.5'), text('1.500'), text('1.005')])
    expect([status, faults(body)]).toEqual([422, ['/lines/3/unitPrice too_many_decimals']])
    expect(faults((await place([text('1.5')], { currency: 'JPY' })).body)).toEqual([
      '/lines/0/unitPrice too_many_decimals',
    ])
    expect((await place([text('1.005')], { currency: 'kwd' })).body).toMatchObject({ currency: 'KWD', total: '1.005' })
    expect(faults((await place([text('1')], { currency: 'ABC' })).body)).toEqual(['/currency unknown_currency'])
  })

  it.each([
    [{ productId: 'x', quantity: 1 }, '/lines/0/productId invalid_format'],
    [{ productId: randomUUID(), quantity: 0 }, '/lines/0/quantity too_small'],
    [{ productId: randomUUID(), quantity: 1_000_001 }, '/lines/0/quantity too_big'],
    [{ description: '', unitPrice: '1' }, '/lines/0/description too_small'],
    [{ description: 'a', unitPrice: '-1' }, '/lines/0/unitPrice invalid_format'],
    [{ productId: randomUUID(), quantity: 1, unitPrice: '1' }, '/lines/0/unitPrice unknown_field'],
    [{ productId: randomUUID() }, '/lines/0/quantity required'],
    [{}, '/lines/0 invalid_union'],
  ])('the line %j is refused at %s', async (line, expected) => {
    const { status, body } = await place([line])
    expect([status, faults(body)]).toEqual([422, [expected]])
  })

  it('refuses unknown fields, the total of a client among them', async () => {
    const { status, body } = await place([{ description: 'a', unitPrice: 1 }], { total: '1', status: 'fulfilled' })
    expect([status, faults(body).sort()]).toEqual([422, ['/status unknown_field', '/total unknown_field']])
  })

  it('is nobody’s without a token, and knows neither PUT nor DELETE', async () => {
    const { body } = await place([{ description: 'a', unitPrice: 1 }])
    expect((await fetch(`${service.url}/v1/orders`)).status).toBe(401)
    const answer = await service.user.put(`/v1/orders/${body.id}`, { note: 'x' })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, PATCH, HEAD'])
    expect((await service.admin.delete(`/v1/orders/${body.id}`)).status).toBe(405)
  })
})

describe('GET and PATCH of one order', () => {
  const placed = async (fields: Record<string, unknown> = {}) =>
    (await place([{ description: 'a', unitPrice: 1 }], fields)).body

  it('reads by id and by number, in any case', async () => {
    const order = await placed()
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

  it('answers 304 to who has it', async () => {
    const order = await placed({ metadata: { z: 1, a: 'b' } })
    const { headers } = await service.user.get(`/v1/orders/${order.id}`)
    const again = await service.user.get(`/v1/orders/${order.id}`, { 'if-none-match': headers.get('etag') ?? '' })
    expect(again.status).toBe(304)
  })

  it('PATCH merges note and metadata, raises the version and tells of it', async () => {
    const order = await placed({ note: 'ring twice', metadata: { a: 1, b: 2, none: null } })
    expect(order.metadata).toEqual({ a: 1, b: 2 })
    const { status, body } = await service.admin.patch(`/v1/orders/${order.id}`, {
      note: null,
      metadata: { a: null, c: 3 },
    })
    expect(status).toBe(200)
    expect(body).toMatchObject({ note: null, version: 2, updatedBy: { id: (await tokenFor('admin')).id } })
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

  it('PATCH answers 412 to an older version, and 422 to what is part of the deal', async () => {
    const order = await placed()
    const path = `/v1/orders/${order.id}`
    expect((await service.user.patch(path, { note: 'a' }, { 'if-match': '"1.x"' })).status).toBe(200)
    expect((await service.user.patch(path, { note: 'b' }, { 'if-match': '"1.x"' })).status).toBe(412)
    const { status, body } = await service.user.patch(path, { total: '1', lines: [], customerId: null })
    expect([status, faults(body).sort()]).toEqual([
      422,
      ['/customerId unknown_field', '/lines unknown_field', '/total unknown_field'],
    ])
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, key) => [`a${key}`, key]))
    const others = Object.fromEntries(Array.from({ length: 30 }, (_, key) => [`b${key}`, key]))
    expect((await service.user.patch(path, { metadata: many })).status).toBe(200)
    expect(faults((await service.user.patch(path, { metadata: others })).body)).toEqual(['/metadata too_big'])
  })
})
