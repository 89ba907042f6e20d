import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DemoClient, demoClient } from '../clients/demo-client.ts'
import { demoEmail, demoPeople } from './demo-people.ts'
import { demoOrders, demoProducts } from './demo-shop.ts'
import { portrait } from './portrait.ts'

const atOnce = 3

export type DemoCounts = { customers: number; products: number; orders: number }

/** Makes the demo data through the public API, once in the life of a data folder. Returns what was made. */
export const createDemoData = async (gatewayUrl: string, home: string): Promise<DemoCounts> => {
  const done = join(home, 'demo-data')
  const begun = `${done}.begun`
  const counts = { customers: 0, products: 0, orders: 0 }
  if (existsSync(done)) return counts
  const api = await demoClient(gatewayUrl)
  const finish = () => writeFileSync(done, '')
  // Somebody else's customers are there: this is no place for invented ones.
  const { data } = await api.get<{ data: unknown[] }>('/v1/customers?limit=1')
  if (!existsSync(begun) && data.length > 0) {
    finish()
    return counts
  }
  writeFileSync(begun, '')
  counts.customers = await inTurns(demoPeople.length, (number) => createCustomer(api, number))
  counts.products = await inTurns(demoProducts.length, (number) => createProduct(api, number))
  for (const number of demoOrders.keys()) if (await createOrder(api, number)) counts.orders += 1
  finish()
  return counts
}

/** How many of `count` were made, a few at a time. */
const inTurns = async (count: number, create: (number: number) => Promise<boolean>): Promise<number> => {
  const waiting = [...Array(count).keys()]
  let made = 0
  const work = async () => {
    for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
      if (await create(number)) made += 1
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return made
}

/** False when it was there already, from an earlier start that did not come to its end. */
const created = (what: string, { ok, status, replayed, text }: Awaited<ReturnType<DemoClient['post']>>): boolean => {
  const code = /"code":"([a-z_]+)"/.exec(text)?.[1]
  if (code === 'duplicate' || code === 'idempotency_mismatch') return false
  if (!ok) throw new Error(`${what} is refused: ${status} ${text.slice(0, 300)}`)
  return !replayed
}

const createCustomer = async (api: DemoClient, number: number): Promise<boolean> => {
  const person = demoPeople[number]
  if (!person) return false
  const { name, surname, phone, city, country, tags } = person
  const externalId = `demo-${number + 1}`
  const form = new FormData()
  const fields = { name, surname, phone, email: demoEmail(person), externalId }
  for (const [field, value] of Object.entries(fields)) form.set(field, value)
  form.set('tags', tags.join(','))
  form.set('address', JSON.stringify({ city, country }))
  const photo = new Uint8Array(await portrait(number))
  form.set('photo', new Blob([photo], { type: 'image/jpeg' }), `${externalId}.jpg`)
  const key = `demo-customer-${number + 1}`
  return created(`demo customer ${number + 1}`, await api.post('/v1/customers', key, form))
}

const createProduct = async (api: DemoClient, number: number): Promise<boolean> => {
  const product = demoProducts[number] ?? {}
  const key = `demo-product-${number + 1}`
  return created(`demo product ${number + 1}`, await api.post('/v1/products', key, product))
}

const createOrder = async (api: DemoClient, number: number): Promise<boolean> => {
  const order = demoOrders[number]
  if (!order) return false
  const idOf = async (path: string) => (await api.get<{ id: string }>(path)).id
  const { customer, outcome, ...rest } = order
  const customerId = await idOf(`/v1/customers/demo-${customer}?idBy=externalId`)
  const lines = await Promise.all(
    order.lines.map(async (line) =>
      'sku' in line ? { productId: await idOf(`/v1/products/${line.sku}?idBy=sku`), quantity: line.quantity } : line,
    ),
  )
  const what = `demo order ${number + 1}`
  const key = `demo-order-${number + 1}`
  const answer = await api.post('/v1/orders', key, { ...rest, lines, customerId })
  const made = created(what, answer)
  if (outcome === undefined || !answer.ok) return made
  const { id } = JSON.parse(answer.text) as { id: string }
  created(`${what}: ${outcome}`, await api.post(`/v1/orders/${id}/${outcome}`, `${key}-${outcome}`))
  return made
}
