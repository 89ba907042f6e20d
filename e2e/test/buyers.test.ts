import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Client, client, type TestResponse } from '@clientele/platform/testing/client'
import { signedInAs } from '@clientele/platform/testing/tokens'
import pg from 'pg'
import { createRandom, type Random } from '../faults/random.ts'
import { type System, startSystem } from '../system.ts'

const products = 6
const buyers = 24
const ordersEach = 12
const initialStock = 110

let system: System
let user: Client
let database: pg.Client
beforeAll(async () => {
  system = await startSystem()
  user = client(system.gateway, (await signedInAs('user')).token)
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

/** Places an order as a careful client does: retries with the same idempotency key until the result is certain. */
const placeOrder = async (cart: Cart): Promise<TestResponse> => {
  for (let attempt = 0; ; attempt += 1) {
    const response = await user.post('/v1/orders', cart, { 'idempotency-key': cart.note })
    if (![409, 502, 503, 504].includes(response.status) || response.body.code === 'insufficient_stock') return response
    if (attempt === 100) throw new Error(`still ${response.status} ${JSON.stringify(response.body)}`)
    await pause(100)
  }
}

it('stock and orders stay consistent when order-service is killed while many buyers place orders', async () => {
  const random = createRandom(20_261_120)
  const made = await Promise.all(
    Array.from({ length: products }, (_, index) =>
      user.post('/v1/products', { name: `Goods ${index}`, price: '2.50', stock: initialStock }),
    ),
  )
  const ids = made.map(({ body }) => String(body.id))
  const carts = Array.from({ length: buyers }, () => Array.from({ length: ordersEach }, () => cartOf(random, ids)))

  const responses: { cart: Cart; response: TestResponse }[] = []
  const buying = carts.map(async (own) => {
    for (const cart of own) responses.push({ cart, response: await placeOrder(cart) })
  })
  for (let kill = 0; kill < 3; kill += 1) {
    const before = responses.length
    while (responses.length < before + 20) await pause(20)
    await system.kill('order-service')
    await system.start('order-service')
  }
  await Promise.all(buying)

  const placed = responses.filter(({ response }) => response.status === 201)
  const declined = responses.filter(({ response }) => response.status === 409)
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
    expect({ id, stock, sum }).toEqual({ id, stock: initialStock - (sold.get(id) ?? 0), sum: stock })
    expect(lowest).toBeGreaterThanOrEqual(0)
  }
}, 180_000)
