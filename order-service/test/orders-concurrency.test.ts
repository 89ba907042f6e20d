import { eventually } from '@clientele/platform/testing/wait'
import { orderCalls } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startOrders()
})
afterAll(() => service?.stop())

const { customer, place, placed, product, stockOf, count } = orderCalls(() => service)

/** Numbers below 1 that are the same for the same seed (mulberry32). */
const seeded = (seed: number) => () => {
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
const ordered = async (id: string) =>
  (
    await service.db.query<{ sum: number }>(
      `select coalesce(sum(quantity), 0)::int as sum from order_lines join orders on orders.id = order_id
       where product_id = $1 and status <> 'cancelled'`,
      [id],
    )
  )[0]?.sum

describe('buyers at once', () => {
  it('200 of them share 150 pieces: 150 get one, 50 are declined', async () => {
    const { id } = await product({ stock: 150 })
    const answers = await Promise.all(Array.from({ length: 200 }, () => place([{ productId: id, quantity: 1 }])))
    const of = (status: number) => answers.filter((answer) => answer.status === status).length
    expect([of(201), of(409), await stockOf(id)]).toEqual([150, 50, 0])
    expect(await ordered(id)).toBe(150)
  })

  it.each([1, 20261120, 77])(
    'random carts and cancellations leave ledger, stock and orders in agreement (seed %i)',
    async (seed) => {
      const random = seeded(seed)
      const upTo = (most: number) => Math.floor(random() * most)
      const products = await Promise.all(Array.from({ length: 8 }, () => product({ stock: 40 + upTo(60) })))
      const stocked = new Map(products.map(({ id, stock }): [string, number] => [id, stock]))
      const before = await count('orders')
      const statuses: number[] = []
      const mine: string[] = []
      for (let round = 0; round < 4; round++) {
        const carts = Array.from({ length: 30 }, () =>
          Array.from({ length: 1 + upTo(4) }, () => ({ productId: products[upTo(8)].id, quantity: 1 + upTo(9) })),
        )
        const gone = mine.splice(0, upTo(4))
        const [answers, cancelled] = await Promise.all([
          Promise.all(carts.map((lines) => place(lines))),
          Promise.all(gone.map((id) => service.user.post(`/v1/orders/${id}/cancel`))),
        ])
        expect(cancelled.every(({ status }) => status === 200)).toBe(true)
        statuses.push(...answers.map(({ status }) => status))
        mine.push(...answers.filter(({ status }) => status === 201).map(({ body }) => body.id))
      }
      expect(statuses.filter((status) => status !== 201 && status !== 409)).toEqual([])
      const made = statuses.filter((status) => status === 201).length
      expect([made > 0, made < statuses.length]).toEqual([true, true])
      expect(await count('orders')).toBe(before + made)
      for (const { id } of products) {
        const ledger = await ledgerOf(id)
        expect(ledger?.sum).toBe(ledger?.stock)
        expect(ledger?.low).toBeGreaterThanOrEqual(0)
        expect(ledger?.stock).toBe((stocked.get(id) ?? 0) - ((await ordered(id)) ?? 0))
      }
    },
  )

  it('wait for each other in one order, whatever order their lines have', async () => {
    const [one, two] = [await product({ stock: 1000 }), await product({ stock: 1000 })]
    const there = [one, two].map(({ id }) => ({ productId: id, quantity: 1 }))
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => place(index % 2 === 0 ? there : there.toReversed())),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    const other = await placed(there)
    expect(other.lines).toHaveLength(2)
    expect([await stockOf(one.id), await stockOf(two.id)]).toEqual([959, 959])
  })

  it('lock their customer before any product', async () => {
    const [customerId, { id }] = [await customer(), await product({ stock: 5 })]
    const answer = await service.db.transaction(async (tx) => {
      await service.db.query('select from customers where id = $1 for update', [customerId], { tx })
      const order = place([{ productId: id, quantity: 5 }], { customerId })
      await eventually(async () => {
        const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
        expect(await service.db.query(waiting)).toHaveLength(1)
      })
      await service.db.query('select from products where id = $1 for update nowait', [id], { tx })
      return { order }
    })
    expect((await answer.order).status).toBe(201)
  })

  it('do not hear of a deadlock with somebody who locks in another order', async () => {
    const made = [await product({ stock: 5 }), await product({ stock: 5 })]
    const [first, second] = made.map(({ id }): string => id).sort()
    const sql = 'select from products where id = $1 for update'
    const answer = await service.db.transaction(async (tx) => {
      await service.db.query(sql, [second], { tx })
      const order = place(made.map(({ id }) => ({ productId: id, quantity: 5 })))
      await eventually(async () => {
        const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
        expect(await service.db.query(waiting)).toHaveLength(1)
      })
      await service.db.query(sql, [first], { tx })
      return { order }
    })
    expect((await answer.order).status).toBe(201)
    expect(await Promise.all(made.map(({ id }) => stockOf(id)))).toEqual([0, 0])
  })
})
