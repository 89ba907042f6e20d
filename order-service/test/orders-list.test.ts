import { randomUUID } from 'node:crypto'
import type { Db } from '@clientele/platform/data/db'
import { asOwner, explain } from '@clientele/platform/testing/database'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { orderList } from '../src/orders/order.list.ts'
import { orderCalls, textLine } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

type OrderBody = {
  id: string
  number: string
  total: string
  status: string
  placedAt: string
  lines: { description: string }[]
}

let service: Running
beforeAll(async () => {
  service = await startOrders()
})
afterAll(() => service?.stop())

const { createOrder, createProduct, createCustomer } = orderCalls(() => service)
const text = (unitPrice: string, description = 'a') => ({ description, unitPrice })
const listOrders = async (query: string, by = service.user): Promise<OrderBody[]> => {
  const { status, body } = await by.get(`/v1/orders?${query}`)
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body.data
}
const ids = async (query: string, by = service.user) => (await listOrders(query, by)).map(({ id }) => id)

describe('GET /v1/orders', () => {
  let orders: OrderBody[]
  let customerId: string
  let orderedProduct: { id: string }
  beforeAll(async () => {
    customerId = await createCustomer()
    orderedProduct = await createProduct({ stock: 100 })
    orders = [
      await createOrder([text('10')], { customerId }),
      await createOrder([
        { productId: orderedProduct.id, quantity: 2 },
        text('5'),
        { productId: orderedProduct.id, quantity: 1 },
      ]),
      await createOrder([text('100.5')], { currency: 'USD', customerId }),
      (await service.admin.post('/v1/orders', { lines: [text('9.5')] })).body,
    ]
    await service.user.post(`/v1/orders/${orders[0]?.id}/cancel`)
    await service.user.post(`/v1/orders/${orders[2]?.id}/fulfil`)
  })
  const at = (...places: number[]) => places.map((place) => orders[place]?.id)

  it('orders are listed newest first, with their lines in order', async () => {
    const found = await listOrders('')
    expect(found.map(({ id }) => id)).toEqual(at(3, 2, 1, 0))
    expect(found[2]).toEqual(orders[1])
  })

  it('createdBy=me lists the orders of the signed-in user', async () => {
    expect(await ids('createdBy=me')).toEqual(at(2, 1, 0))
    expect(await ids('createdBy=me', service.admin)).toEqual(at(3))
    expect(await ids(`createdBy=${(await signedInAs('admin')).id}`)).toEqual(at(3))
  })

  it('orders can be filtered by every documented parameter', async () => {
    expect(await ids(`customerId=${customerId}`)).toEqual(at(2, 0))
    expect(await ids('customerId[exists]=false')).toEqual(at(3, 1))
    expect(await ids('status=placed')).toEqual(at(3, 1))
    expect(await ids('status=cancelled,fulfilled')).toEqual(at(2, 0))
    expect(await ids(`productId=${orderedProduct.id}`)).toEqual(at(1))
    expect(await ids(`productId=${randomUUID()}`)).toEqual([])
    expect(await ids(`id=${at(0, 3).join(',')}`)).toEqual(at(3, 0))
    expect(await ids(`id=${at(0, 1).join(',')}&productId=${orderedProduct.id}`)).toEqual(at(1))
    expect(await ids('total[gte]=10&total[lt]=100')).toEqual(at(1, 0))
    expect(await ids('total=100.50')).toEqual(at(2))
    expect(await ids('currency=usd')).toEqual(at(2))
    expect(await ids(`number=${orders[1]?.number},${orders[3]?.number.toLowerCase()}`)).toEqual(at(3, 1))
    expect(await ids(`number[gt]=${orders[1]?.number}`)).toEqual(at(3, 2))
    expect(await ids('placedAt[gte]=2020-01-01&placedAt[lt]=2020-01-02')).toEqual([])
    const { placedAt } = orders[1] ?? { placedAt: '' }
    expect(await ids(`placedAt[gte]=${placedAt}`)).toEqual(at(3, 2, 1))
    expect(await ids(`placedAt[gt]=${placedAt}`)).toEqual(at(3, 2))
    expect(await ids(`placedAt[lte]=${placedAt}`)).toEqual(at(1, 0))
    expect(await ids(`placedAt[lt]=${placedAt}`)).toEqual(at(0))
    expect(await ids(`placedAt=${placedAt},${orders[3]?.placedAt}`)).toEqual(at(3, 1))
    expect(await ids('placedAt[gt]=1900-01-01&placedAt[lt]=9999-12-31T23:59:59-05:00')).toEqual(at(3, 2, 1, 0))
    expect(await ids(`status=placed&createdBy=me&productId=${orderedProduct.id}`)).toEqual(at(1))
  })

  it('total is the sum of an order, or says how far orders are counted', async () => {
    const page = async (query: string) => (await service.user.get(`/v1/orders?${query}`)).body.page
    expect(await page('total=100.50')).toMatchObject({ total: 1, totalRelation: 'eq' })
    expect(await page('total=exact&total[gte]=10')).toMatchObject({ total: 3, totalRelation: 'eq' })
    expect(await page('total=none')).not.toHaveProperty('total')
    const { status, body } = await service.user.get('/v1/orders?total=many')
    expect([status, body.errors]).toMatchObject([
      400,
      [{ parameter: 'total', message: 'must be a number, or exact or none' }],
    ])
  })

  it('orders can be sorted by total, number and time of change, in both directions', async () => {
    expect(await ids('sort=total')).toEqual(at(3, 0, 1, 2))
    expect(await ids('sort=-total')).toEqual(at(2, 1, 0, 3))
    expect(await ids('sort=number')).toEqual(at(0, 1, 2, 3))
    expect(await ids('sort=-updatedAt')).toEqual(at(2, 0, 3, 1))
  })

  it.each(['status=lost', 'productId=x', 'number=17', 'color=red', 'sort=note', 'total[gte]=x', 'limit=0', 'note=a'])(
    'the query %s returns 400',
    async (query) => expect((await service.user.get(`/v1/orders?${query}`)).status).toBe(400),
  )

  it('any value of a filter is treated as data', async () => {
    for (const value of ["'", '%00', '%25', "' or 1=1", 'x'.repeat(10_000), 'ORD-9999999999999999999', '\u{1f4a9}'])
      for (const parameter of [
        'status',
        'productId',
        'number',
        'number[gt]',
        'total',
        'currency',
        'customerId',
        'cursor',
      ]) {
        const { status } = await service.user.get(
          `/v1/orders?${parameter}=${value.startsWith('%') ? value : encodeURIComponent(value)}`,
        )
        expect([200, 400]).toContain(status)
      }
  })
})

describe('Paging of orders', () => {
  it.each(['placedAt', '-placedAt', 'total', '-total,placedAt', 'number', '-updatedAt'])(
    'paging by cursor with sort=%s returns each order once, in both directions',
    async (sort) => {
      const customerId = await createCustomer()
      for (let index = 0; index < 13; index++) await createOrder([text(String(index % 4))], { customerId })
      const seen: string[] = []
      let query: string | null = `limit=5&sort=${sort}`
      let back = ''
      while (query !== null) {
        const { body } = await service.user.get(`/v1/orders?customerId=${customerId}&${query}`)
        seen.push(...body.data.map(({ id }: OrderBody) => id))
        expect(body.page).toMatchObject({ total: 13, totalRelation: 'eq' })
        back = body.page.prevCursor ?? back
        query = body.page.nextCursor && `limit=5&cursor=${body.page.nextCursor}`
      }
      expect([seen.length, new Set(seen).size]).toEqual([13, 13])
      expect(await ids(`customerId=${customerId}&limit=5&cursor=${back}`)).toEqual(seen.slice(5, 10))
      expect(await ids(`customerId=${customerId}&limit=5&offset=5&sort=${sort}`)).toEqual(seen.slice(5, 10))
    },
  )

  it.each(['placedAt', '-placedAt', '-total'])(
    'paging by cursor with a productId and sort=%s returns each order once, in both directions',
    async (sort) => {
      const { id: productId } = await createProduct()
      const productLine = { productId, quantity: 1 }
      const all: OrderBody[] = []
      for (let index = 0; index < 7; index++)
        all.push(await createOrder([productLine, text(String(index % 3)), productLine]))
      const of = `productId=${productId}`
      const first = await service.user.get(`/v1/orders?${of}&limit=3&sort=${sort}`)
      expect(first.body.page).toMatchObject({ total: 7, totalRelation: 'eq' })
      const second = await service.user.get(`/v1/orders?${of}&limit=3&cursor=${first.body.page.nextCursor}`)
      const third = await ids(`${of}&limit=3&cursor=${second.body.page.nextCursor}`)
      const seen = [...first.body.data, ...second.body.data].map(({ id }: OrderBody) => id).concat(third)
      expect(seen.toSorted()).toEqual(all.map(({ id }) => id).toSorted())
      if (sort !== '-total') expect(seen).toEqual(sort === 'placedAt' ? seen.toSorted() : seen.toSorted().reverse())
      expect(await ids(`${of}&limit=3&cursor=${second.body.page.prevCursor}`)).toEqual(seen.slice(0, 3))
      expect(await ids(`${of}&limit=2&offset=4&sort=${sort}`)).toEqual(seen.slice(4, 6))
      const since = `${of}&placedAt[gte]=${all[2]?.placedAt}`
      expect((await service.user.get(`/v1/orders?${since}&limit=1`)).body.page.total).toBe(5)
      expect((await ids(`${since}&status=placed`)).toSorted()).toEqual(
        all
          .slice(2)
          .map(({ id }) => id)
          .toSorted(),
      )
    },
  )

  it('order numbers are sorted and compared as integers, also beyond a million', async () => {
    await asOwner(service.database, `select setval('order_numbers', 999998)`)
    const customerId = await createCustomer()
    const numbers = [await createOrder([textLine], { customerId }), await createOrder([textLine], { customerId })].map(
      ({ number }) => number,
    )
    expect(numbers).toEqual(['ORD-999999', 'ORD-1000000'])
    expect((await listOrders(`customerId=${customerId}&sort=number`)).map(({ number }) => number)).toEqual(numbers)
    expect((await listOrders(`customerId=${customerId}&number[gt]=ORD-999999`)).map(({ number }) => number)).toEqual([
      'ORD-1000000',
    ])
  })
})

describe('GET /v1/orders with 60,000 orders', () => {
  const rareCustomerId = randomUUID()
  let commonProduct: { id: string }
  let rareProduct: { id: string }
  beforeAll(async () => {
    commonProduct = await createProduct()
    rareProduct = await createProduct()
    // In parts, each of which stays below the limit of a statement on a slow machine.
    for (let from = 1; from <= 60_000; from += 15_000) await addOrders(from, from + 14_999)
    await asOwner(service.database, 'analyze orders', 'analyze order_lines')
  }, 120_000)

  const addOrders = async (from: number, to: number): Promise<void> => {
    await service.db.query(
      `insert into orders (id, number, customer_id, status, total, currency, metadata, placed_at, created_by, created_by_name,
         updated_at, updated_by, updated_by_name, search_text)
       select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid,
         nextval('order_numbers'), case when n % 3000 = 0 then $1::uuid end,
         case when n % 2000 = 0 then 'placed' else 'fulfilled' end, n % 977, case when n % 2000 = 0 then 'KES' else 'EUR' end, '{}',
         at, 'user-' || n % 500, 'x', at, 'x', 'x', case when n % 3000 = 0 then 'zanzibar' else 'common' end || n
       from generate_series($2::integer, $3::integer) as n,
         lateral (select '2024-01-01'::timestamptz + n * interval '10 minutes' as at) times`,
      [rareCustomerId, from, to],
    )
    await service.db.query(
      `insert into order_lines (order_id, position, id, product_id, description, quantity, unit_price, line_total)
       select id, 1, gen_random_uuid(), case when number % 1500 = 0 then $2::uuid else $1::uuid end, 'a', 1, 1, 1
       from orders where created_by like 'user-%' and not exists (select from order_lines where order_id = orders.id)`,
      [commonProduct.id, rareProduct.id],
    )
  }

  const planOf = async (query: object): Promise<string> => {
    const statements: { sql: string; values: unknown[] }[] = []
    const recordingDb: Db = {
      ...service.db,
      query: async (sql: string, values: unknown[] = []) => {
        statements.push({ sql, values })
        return []
      },
    }
    await orderList.run(recordingDb, { ...query }, { actor: { id: 'user-7' } })
    const [first] = statements
    return (await explain(service.db, first?.sql ?? '', first?.values)).join('\n')
  }

  // The count stops at 10,001 rows. If most rows match, a sequential scan may count them as fast, so only the page is checked.
  it.each([
    {},
    { sort: 'total' },
    { sort: '-updatedAt' },
    { sort: '-number' },
    { status: 'fulfilled' },
    { 'number[gte]': 'ORD-1000100', sort: 'number' },
  ])('the page of the query %j is read by an index', async (query) => {
    const plan = await planOf(query)
    expect(plan).toMatch(/Index (Only )?Scan.* on orders orders_1/)
    expect(plan).not.toMatch(/Seq Scan on orders orders_1/)
  })

  it.each([
    { customerId: rareCustomerId },
    { createdBy: 'me' },
    { status: 'placed' },
    { currency: 'KES' },
    { number: 'ORD-000123' },
    { 'placedAt[gte]': '2025-01-01', 'placedAt[lt]': '2025-01-02' },
    { 'updatedAt[lt]': '2024-01-02' },
    { total: '7' },
    { 'total[gte]': '976', sort: 'total' },
    { q: 'zanzibar' },
    { q: 'zanzibar', sort: '-total' },
    { q: 'ORD-000123' },
    { q: 'CUS-000123' },
  ])('the page and the count of the query %j are read by indexes', async (query) => {
    expect(await planOf(query)).not.toMatch(/Seq Scan on orders/)
  })

  it('the orders of a product are found by the index of order lines', async () => {
    for (const query of [{ productId: rareProduct.id }, { productId: rareProduct.id, sort: 'placedAt' }]) {
      const plan = await planOf(query)
      expect(plan).toMatch(/order_lines_of_product/)
      expect(plan.match(/ on orders/g)).toHaveLength(1)
      expect(plan).toMatch(/Index Scan using orders_pkey on orders[^\n]*\n *Index Cond: \(id = /)
    }
    expect(await ids(`productId=${rareProduct.id}&limit=200`)).toHaveLength(40)
    const { body } = await service.user.get(`/v1/orders?productId=${commonProduct.id}&limit=3`)
    expect(body.page).toMatchObject({ total: 1_000, totalRelation: 'gte' })
    expect(body.data).toHaveLength(3)
  })
})
