import { type Client, client } from '@clientele/platform/testing/client'
import type { SignedInUser } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import type { HostileSystem } from '../hostile-system.ts'
import { createDemoJobs } from './demo-jobs.ts'
import { startInjectableServer } from './injectable-server.ts'
import { findQueriesWithRows, urlPathOf } from './list-queries.ts'
import { listRoutes, readDocument } from './openapi.ts'
import { sortLevel, sqlmap } from './sqlmap.ts'
import { signInForLong, startTarget } from './target.ts'
import { installTools } from './tools.ts'

const timeoutMs = 1_200_000

let system: HostileSystem
let accounts: Record<'user' | 'admin', SignedInUser>
let ids: { customer: string; product: string; webhook: string; known: string[] }

/** Creates a webhook that nobody receives, so that it has attempts. @returns its id */
const createWebhook = async (admin: Client): Promise<string> => {
  const { status, body } = await admin.post('/v1/webhooks', { url: 'http://127.0.0.1:1024/', events: ['customer.*'] })
  expect(status).toBe(201)
  return body.id
}

/** Creates records so that every filter of every list matches a row: changed ones, deleted ones, and orders. */
const createRecords = async (): Promise<typeof ids> => {
  const user = client(system.gateway, accounts.user.token)
  // Jobs create records with few fields. They come first, so that newer records, which have all fields, head the lists.
  const known = Object.values(await createDemoJobs(user, 5)).flat()
  const createCustomer = async (name: string, digit: number): Promise<string> => {
    const { status, body } = await user.post('/v1/customers', {
      name,
      surname: 'Lovelace',
      email: `${name.toLowerCase()}@example.com`,
      phone: `+25471100011${digit}`,
      externalId: `shop-${digit}`,
      tags: ['wholesale'],
      address: { city: 'Nairobi', region: 'Nairobi County', postalCode: '00100', country: 'KE' },
      metadata: { source: 'fair' },
    })
    expect(status).toBe(201)
    return body.id
  }
  const [first = '', , trashed] = [
    await createCustomer('Ana', 1),
    await createCustomer('Bea', 2),
    await createCustomer('Cleo', 3),
  ]
  const admin = client(system.gateway, accounts.admin.token)
  const webhook = await createWebhook(admin)
  // So that the list has a next page.
  await createWebhook(admin)
  await admin.patch(`/v1/customers/${first}`, { name: 'Anna' })
  // Users appear in their list a moment later, by Keycloak's events.
  await eventually(async () => expect((await admin.get('/v1/users')).body.data.length).toBeGreaterThan(1))
  await user.delete(`/v1/customers/${trashed}`)
  const createProduct = async (sku: string, stock: number): Promise<string> => {
    const fields = { sku, name: 'Goods', price: '2.50', stock, lowStockAt: 2 }
    return (await user.post('/v1/products', fields)).body.id
  }
  const deletedProduct = await createProduct('G-1', 5)
  await createProduct('G-2', 2)
  const product = await createProduct('G-3', 10)
  await user.delete(`/v1/products/${deletedProduct}`)
  for (const quantity of [1, 2]) {
    const order = { customerId: first, lines: [{ productId: product, quantity }] }
    const { status, body } = await user.post('/v1/orders', order)
    expect(status).toBe(201)
    if (quantity === 1) expect((await user.post(`/v1/orders/${body.id}/cancel`)).status).toBe(200)
  }
  return { customer: first, product, webhook, known }
}

beforeAll(async () => {
  await installTools()
  system = await startTarget()
  accounts = { user: await signInForLong(system, 'user'), admin: await signInForLong(system, 'admin') }
  ids = await createRecords()
}, 900_000)
afterAll(() => system?.close(), 60_000)

it(
  'sqlmap finds no injectable parameter in any list',
  async () => {
    const routes = listRoutes(await readDocument(system.gateway))
    expect(routes.map(({ operationId }) => operationId)).toEqual(
      expect.arrayContaining([
        ...['listCustomers', 'listCustomerEditors', 'listUsers'],
        ...['listProducts', 'listStockMovements', 'listOrders', 'listNotifications'],
        ...['listImports', 'listJobs', 'listProductImports', 'listOrderJobs'],
        ...['getCustomerTimeline', 'listAudit', 'listWebhookDeliveries'],
      ]),
    )
    expect(routes.flatMap(({ parameters }) => parameters)).toEqual(
      expect.arrayContaining(['q', 'sort', 'limit', 'cursor', 'offset', 'surname[contains]', 'createdAt[gte]']),
    )
    for (const { operationId, path, role, parameters: documented } of routes) {
      // Parameters by key stand in the description only. `idBy` and `total` are one of some words.
      const byKey = operationId === 'listCustomers' ? ['metadata.source'] : []
      const parameters = [...documented.filter((name) => name !== 'idBy' && name !== 'total'), ...byKey]
      const { token } = accounts[role]
      const kind = (['product', 'webhook'] as const).find((each) => path.startsWith(`/v1/${each}s`)) ?? 'customer'
      const id = ids[kind]
      const listPath = path.replace(/\{\w+\}/g, id)
      const queries = await findQueriesWithRows(client(system.gateway, token), listPath, parameters, ids.known)
      const urls = queries.map((query) => urlPathOf(listPath, query))
      if (listPath !== path) urls.push(listPath.replace(id, `${id}*`))
      const untested = new Set(listPath === path ? parameters : [...parameters, '#1*'])
      const attacks = urls.flatMap((url) => [
        { url, options: {} },
        ...(/[?&]sort=/.test(url) ? [{ url, options: { parameter: 'sort', level: sortLevel } }] : []),
      ])
      expect(attacks.length).toBeGreaterThan(urls.length)
      for (const { url, options } of attacks) {
        const attack = { token, timeoutMs, ...options }
        const { injectable, clean, problems, output } = await sqlmap(`${system.gateway}${url}`, attack)
        if (injectable.length + problems.length > 0) console.error(output)
        expect({ operationId, injectable, problems }).toEqual({ operationId, injectable: [], problems: [] })
        for (const parameter of clean) untested.delete(parameter)
      }
      expect({ operationId, untested: [...untested] }).toEqual({ operationId, untested: [] })
    }
  },
  timeoutMs,
)

describe('sqlmap on a server with SQL injections', () => {
  let server: Awaited<ReturnType<typeof startInjectableServer>>
  beforeAll(async () => {
    server = await startInjectableServer()
  })
  afterAll(() => server?.close())

  it.each([
    ['name', undefined],
    ['sort', sortLevel],
    ['limit', undefined],
  ])(
    'sqlmap reports %s, which the server concatenates into the statement',
    async (parameter, level) => {
      const attack = { parameter, timeoutMs: 100_000, ...(level !== undefined && { level }) }
      const { injectable, problems, output } = await sqlmap(server.url, attack)
      if (injectable.length === 0) console.error(output)
      expect({ injectable, problems }).toEqual({ injectable: [parameter], problems: [] })
    },
    110_000,
  )

  it('sqlmap does not report id, which is a bound parameter', async () => {
    const { clean, injectable, problems } = await sqlmap(server.url, { parameter: 'id', timeoutMs: 100_000 })
    expect({ clean, injectable, problems }).toEqual({ clean: ['id'], injectable: [], problems: [] })
  }, 110_000)
})

it('sqlmap reports a problem if the target does not respond', async () => {
  const { clean, problems } = await sqlmap('http://127.0.0.1:1/?q=a', { timeoutMs: 60_000 })
  expect(clean).toEqual([])
  expect(problems).not.toEqual([])
}, 70_000)
