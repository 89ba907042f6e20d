import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DemoClient, demoClient } from '../clients/demo-client.ts'
import { demoCustomers, demoEmail } from './demo-customers.ts'
import { drawDemoPhoto } from './demo-photo.ts'
import { demoOrders, demoProducts } from './demo-shop.ts'

const concurrency = 3

export type DemoCounts = { customers: number; products: number; orders: number }

/**
 * Creates the demo data through the public API, once for each data folder. An interrupted run is resumed by the next start.
 * @returns how many records it created
 */
export const createDemoData = async (gatewayUrl: string, home: string): Promise<DemoCounts> => {
  const finishedFile = join(home, 'demo-data')
  const startedFile = `${finishedFile}.begun`
  const counts = { customers: 0, products: 0, orders: 0 }
  if (existsSync(finishedFile)) return counts
  const api = await demoClient(gatewayUrl)
  const finish = () => writeFileSync(finishedFile, '')
  // There are customers already, so this is not an empty installation.
  const { data } = await api.get<{ data: unknown[] }>('/v1/customers?limit=1')
  if (!existsSync(startedFile) && data.length > 0) {
    finish()
    return counts
  }
  writeFileSync(startedFile, '')
  counts.customers = await createConcurrently(demoCustomers.length, (number) => createCustomer(api, number))
  counts.products = await createConcurrently(demoProducts.length, (number) => createProduct(api, number))
  for (const number of demoOrders.keys()) if (await createOrder(api, number)) counts.orders += 1
  finish()
  return counts
}

/** Calls `create` with 0 to `count - 1`, a few at a time. @returns how many it has created */
const createConcurrently = async (count: number, create: (number: number) => Promise<boolean>): Promise<number> => {
  const waiting = [...Array(count).keys()]
  let createdCount = 0
  const work = async () => {
    for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
      if (await create(number)) createdCount += 1
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  return createdCount
}

/** Whether the request created the record, not an interrupted start before it. @throws Error if the request failed */
const wasCreated = (name: string, { ok, status, replayed, text }: Awaited<ReturnType<DemoClient['post']>>): boolean => {
  const code = /"code":"([a-z_]+)"/.exec(text)?.[1]
  if (code === 'duplicate' || code === 'idempotency_mismatch') return false
  if (!ok) throw new Error(`${name} was refused: ${status} ${text.slice(0, 300)}`)
  return !replayed
}

const createCustomer = async (api: DemoClient, number: number): Promise<boolean> => {
  const customer = demoCustomers[number]
  if (!customer) return false
  const { name, surname, phone, city, country, tags } = customer
  const externalId = `demo-${number + 1}`
  const form = new FormData()
  const fields = { name, surname, phone, email: demoEmail(customer), externalId }
  for (const [field, value] of Object.entries(fields)) form.set(field, value)
  form.set('tags', tags.join(','))
  form.set('address', JSON.stringify({ city, country }))
  const photo = new Uint8Array(await drawDemoPhoto(number))
  form.set('photo', new Blob([photo], { type: 'image/jpeg' }), `${externalId}.jpg`)
  const key = `demo-customer-${number + 1}`
  return wasCreated(`demo customer ${number + 1}`, await api.post('/v1/customers', key, form))
}

const createProduct = async (api: DemoClient, number: number): Promise<boolean> => {
  const product = demoProducts[number] ?? {}
  const key = `demo-product-${number + 1}`
  return wasCreated(`demo product ${number + 1}`, await api.post('/v1/products', key, product))
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
  const name = `demo order ${number + 1}`
  const key = `demo-order-${number + 1}`
  const response = await api.post('/v1/orders', key, { ...rest, lines, customerId })
  const isNew = wasCreated(name, response)
  if (outcome === undefined || !response.ok) return isNew
  const { id } = JSON.parse(response.text) as { id: string }
  wasCreated(`${name}: ${outcome}`, await api.post(`/v1/orders/${id}/${outcome}`, `${key}-${outcome}`))
  return isNew
}
