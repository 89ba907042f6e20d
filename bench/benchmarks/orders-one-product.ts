import { Agent } from 'node:http'
import pg from 'pg'
import type { BenchmarkContext, Figure } from '../benchmark.ts'
import { adminUrl } from '../postgres-backends.ts'
import { send, sendRequest, type Target } from '../requests.ts'

const buyers = 200
const stock = 4_000

type Answers = { placed: number; declined: number; others: Map<string, number>; latencies: number[]; seconds: number }

/** Each buyer orders one piece at a time until the stock is used up. */
const buy = async ({ url, token }: Target, productId: string): Promise<Answers> => {
  const bearer = await token()
  const agent = new Agent({ keepAlive: true, maxSockets: buyers })
  const responses: Answers = { placed: 0, declined: 0, others: new Map(), latencies: [], seconds: 0 }
  const step = { method: 'POST', path: '/v1/orders', body: { lines: [{ productId, quantity: 1 }] } }
  const from = performance.now()
  const shop = async (): Promise<void> => {
    for (let bought = 0; bought < stock; bought += 1) {
      const sent = performance.now()
      const { status, content } = await sendRequest(url, bearer, step, agent)
      if (status !== 201) {
        if (status === 409 && content.includes('"insufficient_stock"')) responses.declined += 1
        else responses.others.set(content, (responses.others.get(content) ?? 0) + 1)
        return
      }
      responses.placed += 1
      responses.latencies.push(performance.now() - sent)
      responses.seconds = (performance.now() - from) / 1_000
    }
  }
  try {
    await Promise.all(Array.from({ length: buyers }, shop))
    return responses
  } finally {
    agent.destroy()
  }
}

const booksQuery = `select stock::int as stock,
  (select sum(delta)::int from stock_movements where product_id = products.id) as ledger,
  (select coalesce(sum(quantity), 0)::int from order_lines where product_id = products.id) as sold
from products where id = $1`

/** Measures many concurrent buyers of one product, until it is sold out. */
export const measureOneProduct = async (
  target: Target,
  database: string,
  { log }: BenchmarkContext,
): Promise<Figure[]> => {
  const body = { name: 'Last of its kind', price: '9.90', stock }
  const made = await send(target.url, await target.token(), { method: 'POST', path: '/v1/products', body })
  const { id } = JSON.parse(made) as { id: string }
  const { placed, declined, others, latencies, seconds } = await buy(target, id)
  for (const [content, count] of others) log(`${count} × ${content}`)
  const client = new pg.Client({ connectionString: adminUrl(database), options: '-c search_path=orders,public' })
  await client.connect()
  const { rows } = await client
    .query<{ stock: number; ledger: number; sold: number }>(booksQuery, [id])
    .finally(() => client.end())
  const [stored] = rows
  if (!stored) throw new Error('the product was not found')
  log(`${placed} placed in ${seconds.toFixed(1)} s, ${declined} declined; ${JSON.stringify(stored)}`)
  const sorted = latencies.toSorted((a, b) => a - b)
  const what = `${buyers} buyers of one product with a stock of ${stock}`
  return [
    { what: `${what}: orders placed`, value: placed, unit: '', target: { atLeast: stock } },
    { what: `${what}: pieces sold beyond the stock`, value: stored.sold - stock, unit: '', target: { atMost: 0 } },
    {
      what: `${what}: difference between stock, stock movements and orders`,
      value: Math.abs(stored.stock - stored.ledger) + Math.abs(stock - stored.sold - stored.stock),
      unit: '',
      target: { atMost: 0 },
    },
    {
      what: `${what}: responses other than 201 and 409 insufficient_stock`,
      value: [...others.values()].reduce((sum, count) => sum + count, 0),
      unit: '',
      target: { atMost: 0 },
    },
    { what: `${what}: orders placed per second`, value: placed / seconds, unit: '/s' },
    { what: `${what}: p99`, value: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN, unit: 'ms' },
  ]
}
