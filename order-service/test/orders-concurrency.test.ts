import { eventually } from '@clientele/platform/testing/wait'
import { orderCalls } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startOrders()
})
afterAll(() => service?.stop())

const { createCustomer, place, createOrder, createProduct, stockOf, count } = orderCalls(() => service)

/** A random number generator that repeats its numbers for the same seed (mulberry32). */
const createRandom = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}

type Ledger = { sum: number; low: number; stock: number }
const ledgerOf = async (id: string): Promise<Ledger | undefined> =>
  (
    await service.db.query<Ledger>(
      `select sum(delta)::int as sum, min(stock_after)::int as low, (select stock from products where id = $1) as stock
       from stock_movements where product_id = $1`,
      [id],
    )
  )[0]
const orderedQuantity = async (id: string) =>
  (
    await service.db.query<{ sum: number }>(
      `select coalesce(sum(quantity), 0)::int as sum from order_lines join orders on orders.id = order_id
       where product_id = $1 and status <> 'cancelled'`,
      [id],
    )
  )[0]?.sum

describe('Concurrent orders', () => {
  it('150 of 200 concurrent orders get one of 150 pieces, and 50 are declined', async () => {
    const { id } = await createProduct({ stock: 150 })
    // On a busy machine some requests wait too long for a connection and get 503. A client repeats them.
    const placeUntilDecided = () =>
      eventually(async () => {
        const response = await place([{ productId: id, quantity: 1 }])
        if (response.status === 503) throw new Error(JSON.stringify(response.body))
        return response
      })
    const responses = await Promise.all(Array.from({ length: 200 }, placeUntilDecided))
    const statuses = Object.groupBy(responses, ({ status }) => status)
    const counts = Object.entries(statuses).map(([status, all]) => [status, all?.length, all?.[0]?.body.detail])
    expect(counts).toEqual([
      ['201', 150, undefined],
      ['409', 50, expect.any(String)],
    ])
    expect(await stockOf(id)).toBe(0)
    expect(await orderedQuantity(id)).toBe(150)
  })

  it.each([1, 20261120, 77])(
    'random orders and cancellations keep ledger, stock and orders consistent (random seed %i)',
    async (seed) => {
      const random = createRandom(seed)
      const below = (limit: number) => Math.floor(random() * limit)
      const products = await Promise.all(Array.from({ length: 8 }, () => createProduct({ stock: 40 + below(60) })))
      const stocked = new Map(products.map(({ id, stock }): [string, number] => [id, stock]))
      const before = await count('orders')
      const statuses: number[] = []
      const openOrders: string[] = []
      for (let round = 0; round < 4; round++) {
        const carts = Array.from({ length: 30 }, () =>
          Array.from({ length: 1 + below(4) }, () => ({ productId: products[below(8)].id, quantity: 1 + below(9) })),
        )
        const toCancel = openOrders.splice(0, below(4))
        const [responses, cancelled] = await Promise.all([
          Promise.all(carts.map((lines) => place(lines))),
          Promise.all(toCancel.map((id) => service.user.post(`/v1/orders/${id}/cancel`))),
        ])
        expect(cancelled.every(({ status }) => status === 200)).toBe(true)
        statuses.push(...responses.map(({ status }) => status))
        openOrders.push(...responses.filter(({ status }) => status === 201).map(({ body }) => body.id))
      }
      expect(statuses.filter((status) => status !== 201 && status !== 409)).toEqual([])
      const placed = statuses.filter((status) => status === 201).length
      expect([placed > 0, placed < statuses.length]).toEqual([true, true])
      expect(await count('orders')).toBe(before + placed)
      for (const { id } of products) {
        const ledger = await ledgerOf(id)
        expect(ledger?.sum).toBe(ledger?.stock)
        expect(ledger?.low).toBeGreaterThanOrEqual(0)
        expect(ledger?.stock).toBe((stocked.get(id) ?? 0) - ((await orderedQuantity(id)) ?? 0))
      }
    },
  )

  it('orders of the same products do not deadlock, whatever the order of their lines', async () => {
    const [one, two] = [await createProduct({ stock: 1000 }), await createProduct({ stock: 1000 })]
    const lines = [one, two].map(({ id }) => ({ productId: id, quantity: 1 }))
    const responses = await Promise.all(
      Array.from({ length: 40 }, (_, index) => place(index % 2 === 0 ? lines : lines.toReversed())),
    )
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([201]))
    const other = await createOrder(lines)
    expect(other.lines).toHaveLength(2)
    expect([await stockOf(one.id), await stockOf(two.id)]).toEqual([959, 959])
  })

  it('an order locks its customer before any product', async () => {
    const [customerId, { id }] = [await createCustomer(), await createProduct({ stock: 5 })]
    const response = await service.db.transaction(async (tx) => {
      await service.db.query('select from customers where id = $1 for update', [customerId], { tx })
      const order = place([{ productId: id, quantity: 5 }], { customerId })
      await eventually(async () => {
        const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
        expect(await service.db.query(waiting)).toHaveLength(1)
      })
      await service.db.query('select from products where id = $1 for update nowait', [id], { tx })
      return { order }
    })
    expect((await response.order).status).toBe(201)
  })

  it('an order succeeds after a deadlock with a transaction that locks in another order', async () => {
    const made = [await createProduct({ stock: 5 }), await createProduct({ stock: 5 })]
    const [first, second] = made.map(({ id }): string => id).sort()
    const sql = 'select from products where id = $1 for update'
    const response = await service.db.transaction(async (tx) => {
      await service.db.query(sql, [second], { tx })
      const order = place(made.map(({ id }) => ({ productId: id, quantity: 5 })))
      await eventually(async () => {
        const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
        expect(await service.db.query(waiting)).toHaveLength(1)
      })
      await service.db.query(sql, [first], { tx })
      return { order }
    })
    expect((await response.order).status).toBe(201)
    expect(await Promise.all(made.map(({ id }) => stockOf(id)))).toEqual([0, 0])
  })
})
