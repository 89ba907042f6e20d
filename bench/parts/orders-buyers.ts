import { Agent } from 'node:http'
import pg from 'pg'
import { asAdmin } from '../backends.ts'
import { ask, send, type Target } from '../drive.ts'
import type { Bench, Figure } from '../part.ts'

const buyers = 200
const stock = 4_000

type Answers = { placed: number; declined: number; others: Map<string, number>; latencies: number[]; seconds: number }

/** Each buys one piece after another until there is none left. */
const buy = async ({ url, token }: Target, productId: string): Promise<Answers> => {
  const bearer = await token()
  const agent = new Agent({ keepAlive: true, maxSockets: buyers })
  const answers: Answers = { placed: 0, declined: 0, others: new Map(), latencies: [], seconds: 0 }
  const step = { method: 'POST', path: '/v1/orders', body: { lines: [{ productId, quantity: 1 }] } }
  const from = performance.now()
  const shop = async (): Promise<void> => {
    for (let bought = 0; bought < stock; bought += 1) {
      const sent = performance.now()
      const { status, content } = await ask(url, bearer, step, agent)
      if (status !== 201) {
        if (status === 409 && content.includes('"insufficient_stock"')) answers.declined += 1
        else answers.others.set(content, (answers.others.get(content) ?? 0) + 1)
        return
      }
      answers.placed += 1
      answers.latencies.push(performance.now() - sent)
      answers.seconds = (performance.now() - from) / 1_000
    }
  }
  try {
    await Promise.all(Array.from({ length: buyers }, shop))
    return answers
  } finally {
    agent.destroy()
  }
}

const books = `select stock::int as stock,
  (select sum(delta)::int from stock_movements where product_id = products.id) as ledger,
  (select coalesce(sum(quantity), 0)::int from order_lines where product_id = products.id) as sold
from products where id = $1`

/** Many buyers of one product that does not last for all. */
export const oneProduct = async (target: Target, database: string, { say }: Bench): Promise<Figure[]> => {
  const body = { name: 'Last of its kind', price: '9.90', stock }
  const made = await send(target.url, await target.token(), { method: 'POST', path: '/v1/products', body })
  const { id } = JSON.parse(made) as { id: string }
  const { placed, declined, others, latencies, seconds } = await buy(target, id)
  for (const [content, count] of others) say(`${count} × ${content}`)
  const client = new pg.Client({ connectionString: asAdmin(database), options: '-c search_path=orders,public' })
  await client.connect()
  const { rows } = await client
    .query<{ stock: number; ledger: number; sold: number }>(books, [id])
    .finally(() => client.end())
  const [kept] = rows
  if (!kept) throw new Error('the product is gone')
  say(`${placed} placed in ${seconds.toFixed(1)} s, ${declined} declined; ${JSON.stringify(kept)}`)
  const sorted = latencies.toSorted((a, b) => a - b)
  const what = `${buyers} buyers of one product with a stock of ${stock}`
  return [
    { what: `${what}: orders placed`, value: placed, unit: '', target: { atLeast: stock } },
    { what: `${what}: sold beyond the stock`, value: kept.sold - stock, unit: '', target: { atMost: 0 } },
    {
      what: `${what}: difference between stock, ledger and orders`,
      value: Math.abs(kept.stock - kept.ledger) + Math.abs(stock - kept.sold - kept.stock),
      unit: '',
      target: { atMost: 0 },
    },
    {
      what: `${what}: answers but 201 and 409 insufficient_stock`,
      value: [...others.values()].reduce((sum, count) => sum + count, 0),
      unit: '',
      target: { atMost: 0 },
    },
    { what: `${what}: orders placed a second`, value: placed / seconds, unit: '/s' },
    { what: `${what}: p99`, value: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN, unit: 'ms' },
  ]
}
