import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, type Client, client } from '@clientele/platform/testing/client'
import { tokenFor } from '@clientele/platform/testing/tokens'
import pg from 'pg'
import { createRandom, type Random } from '../faults/random.ts'
import { type System, startSystem } from '../system.ts'

const products = 6
const buyers = 24
const ordersEach = 12
const firstStock = 110

let system: System
let user: Client
let database: pg.Client
beforeAll(async () => {
  system = await startSystem()
  user = client(system.gateway, (await tokenFor('user')).token)
  database = new pg.Client({ connectionString: system.database('order-service') })
  await database.connect()
}, 120_000)
afterAll(async () => {
  await database?.end()
  await system?.close()
}, 60_000)

type Line = { productId: string; quantity: number } | { description: string; unitPrice: string; quantity: number }
type Cart = { lines: Line[]; note: string }

const cartOf = (random: Random, ids: string[]): Cart => ({
  note: randomUUID(),
  lines: Array.from({ length: 1 + random.below(4) }, () =>
    random.below(5) === 0
      ? { description: 'wrapping', unitPrice: '1.50', quantity: 1 }
      : { productId: random.pick(ids), quantity: 1 + random.below(3) },
  ),
})

/** As a careful client does it: the same key until there is an answer that says what became of the order. */
const place = async (cart: Cart): Promise<Answer> => {
  for (let attempt = 0; ; attempt += 1) {
    const answer = await user.post('/v1/orders', cart, { 'idempotency-key': cart.note })
    if (![409, 502, 503, 504].includes(answer.status) || answer.body.code === 'insufficient_stock') return answer
    if (attempt === 100) throw new Error(`still ${answer.status} ${JSON.stringify(answer.body)}`)
    await pause(100)
  }
}

it('many buyers with random carts, and order-service killed amid them: stock adds up and nothing is half done', async () => {
  const random = createRandom(20_261_120)
  const made = await Promise.all(
    Array.from({ length: products }, (_, index) =>
      user.post('/v1/products', { name: `Goods ${index}`, price: '2.50', stock: firstStock }),
    ),
  )
  const ids = made.map(({ body }) => String(body.id))
  const carts = Array.from({ length: buyers }, () => Array.from({ length: ordersEach }, () => cartOf(random, ids)))

  const answers: { cart: Cart; answer: Answer }[] = []
  const shopping = carts.map(async (own) => {
    for (const cart of own) answers.push({ cart, answer: await place(cart) })
  })
  for (let kill = 0; kill < 3; kill += 1) {
    const before = answers.length
    while (answers.length < before + 20) await pause(20)
    await system.kill('order-service')
    await system.start('order-service')
  }
  await Promise.all(shopping)

  const placed = answers.filter(({ answer }) => answer.status === 201)
  const declined = answers.filter(({ answer }) => answer.status === 409)
  expect(placed.length + declined.length).toBe(buyers * ordersEach)
  expect(placed.length).toBeGreaterThan(20)
  expect(declined.length).toBeGreaterThan(20)

  const stored = await database.query<{ note: string }>('select note from orders order by note')
  expect(stored.rows.map(({ note }) => note)).toEqual(placed.map(({ cart }) => cart.note).sort())

  const sold = new Map(ids.map((id) => [id, 0]))
  for (const { cart } of placed)
    for (const line of cart.lines)
      if ('productId' in line) sold.set(line.productId, (sold.get(line.productId) ?? 0) + line.quantity)
  const ledger = await database.query<{ id: string; stock: number; sum: number; lowest: number }>(
    `select p.id, p.stock::int as stock, sum(m.delta)::int as sum, min(m.stock_after)::int as lowest
     from products p join stock_movements m on m.product_id = p.id group by p.id`,
  )
  expect(ledger.rows).toHaveLength(products)
  for (const { id, stock, sum, lowest } of ledger.rows) {
    expect({ id, stock, sum }).toEqual({ id, stock: firstStock - (sold.get(id) ?? 0), sum: stock })
    expect(lowest).toBeGreaterThanOrEqual(0)
  }
}, 180_000)
