import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Clientele, ClienteleError, type RequestOptions } from '@clientele/client'
import { signInAsDemoUser } from '../clients/demo-user.ts'
import { demoChanges, demoCustomers, demoEmail } from './demo-customers.ts'
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
  const api = await signInAsDemoUser(gatewayUrl)
  const finish = () => writeFileSync(finishedFile, '')
  // There are customers already, so this is not an empty installation.
  const { data } = await api.customers.page({ limit: 1 })
  if (!existsSync(startedFile) && data.length > 0) {
    finish()
    return counts
  }
  writeFileSync(startedFile, '')
  counts.customers = await createConcurrently(demoCustomers.length, (number) => createCustomer(api, number))
  counts.products = await createConcurrently(demoProducts.length, (number) => createProduct(api, number))
  for (const number of demoOrders.keys()) if (await createOrder(api, number)) counts.orders += 1
  // Repeated after an interruption, they change nothing.
  for (const { customer, changes } of demoChanges)
    await api.customers.update(`demo-${customer}`, changes, { query: { idBy: 'externalId' } })
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

/**
 * Creates a record. `key` is the idempotency key, so that a repeated start counts once.
 * @returns its id, and whether this call created it, not an interrupted start; undefined if an earlier start did so otherwise
 * @throws Error if the request failed
 */
const createOnce = async (
  name: string,
  key: string,
  create: (options: RequestOptions) => Promise<{ id: string }>,
): Promise<{ id: string; isNew: boolean } | undefined> => {
  let replayed = false
  try {
    const { id } = await create({
      idempotencyKey: key,
      onResponse: ({ headers }) => {
        replayed = headers.get('idempotency-replayed') === 'true'
      },
    })
    return { id, isNew: !replayed }
  } catch (cause) {
    if (cause instanceof ClienteleError && ['duplicate', 'idempotency_mismatch'].includes(cause.code)) return undefined
    throw new Error(`${name} was refused: ${(cause as Error).message}`, { cause })
  }
}

const createCustomer = async (api: Clientele, number: number): Promise<boolean> => {
  const customer = demoCustomers[number]
  if (!customer) return false
  const { name, surname, phone, city, country, tags } = customer
  const externalId = `demo-${number + 1}`
  const photo = new File([new Uint8Array(await drawDemoPhoto(number))], `${externalId}.jpg`, { type: 'image/jpeg' })
  const fields = { name, surname, phone, email: demoEmail(customer), externalId, tags, address: { city, country } }
  const made = await createOnce(`demo customer ${number + 1}`, `demo-customer-${number + 1}`, (options) =>
    api.customers.create({ ...fields, photo }, options),
  )
  return made?.isNew ?? false
}

const createProduct = async (api: Clientele, number: number): Promise<boolean> => {
  const product = demoProducts[number]
  if (!product) return false
  const made = await createOnce(`demo product ${number + 1}`, `demo-product-${number + 1}`, (options) =>
    api.products.create(product, options),
  )
  return made?.isNew ?? false
}

const createOrder = async (api: Clientele, number: number): Promise<boolean> => {
  const order = demoOrders[number]
  if (!order) return false
  const { customer, outcome, ...rest } = order
  const { id: customerId } = await api.customers.get(`demo-${customer}`, { query: { idBy: 'externalId' } })
  const lines = await Promise.all(
    order.lines.map(async (line) => {
      if (!('sku' in line)) return line
      const { id: productId } = await api.products.get(line.sku, { query: { idBy: 'sku' } })
      return { productId, quantity: line.quantity }
    }),
  )
  const name = `demo order ${number + 1}`
  const key = `demo-order-${number + 1}`
  const made = await createOnce(name, key, (options) => api.orders.place({ ...rest, lines, customerId }, options))
  if (made && outcome !== undefined)
    await createOnce(`${name}: ${outcome}`, `${key}-${outcome}`, (options) => api.orders[outcome](made.id, options))
  return made?.isNew ?? false
}
