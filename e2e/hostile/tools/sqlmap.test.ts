import { client } from '@clientele/platform/testing/client'
import type { SignedIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import type { HostileSystem } from '../hostile-system.ts'
import { patientPerson, startTarget } from './api-run.ts'
import { listRoutes, readDocument } from './document.ts'
import { makeJobs } from './job-rows.ts'
import { startLeakyServer } from './leaky-server.ts'
import { addressOf, answeredQueries } from './list-queries.ts'
import { sortLevel, sqlmap } from './sqlmap.ts'
import { prepareTools } from './tools.ts'

const timeoutMs = 600_000

let system: HostileSystem
let people: Record<'user' | 'admin', SignedIn>
let ids: { customer: string; product: string; known: string[] }

/** Customers and products, some changed by somebody else, some in the trash, and an order: every filter has something to find. */
const makeRows = async (): Promise<typeof ids> => {
  const user = client(system.gateway, people.user.token)
  // Before the others, which have all that can be asked for: they are first in their lists.
  const known = Object.values(await makeJobs(user, 5)).flat()
  const make = async (name: string, digit: number): Promise<string> => {
    const { status, body } = await user.post('/v1/customers', {
      name,
      surname: 'Lovelace',
      email: `${name.toLowerCase()}@example.com`,
      phone: `+25471100011${digit}`,
      externalId: `shop-${digit}`,
      tags: ['wholesale'],
    })
    expect(status).toBe(201)
    return body.id
  }
  const [first = '', , trashed] = [await make('Ana', 1), await make('Bea', 2), await make('Cleo', 3)]
  const admin = client(system.gateway, people.admin.token)
  await admin.patch(`/v1/customers/${first}`, { name: 'Anna' })
  // They come into their list by Keycloak's events, a moment later.
  await eventually(async () => expect((await admin.get('/v1/users')).body.data.length).toBeGreaterThan(1))
  await user.delete(`/v1/customers/${trashed}`)
  const goods = async (sku: string, stock: number): Promise<string> => {
    const fields = { sku, name: 'Goods', price: '2.50', stock, lowStockAt: 2 }
    return (await user.post('/v1/products', fields)).body.id
  }
  const archived = await goods('G-1', 5)
  await goods('G-2', 5)
  const product = await goods('G-3', 10)
  await user.delete(`/v1/products/${archived}`)
  for (const quantity of [1, 2]) {
    const order = { customerId: first, lines: [{ productId: product, quantity }] }
    const { status, body } = await user.post('/v1/orders', order)
    expect(status).toBe(201)
    if (quantity === 1) expect((await user.post(`/v1/orders/${body.id}/cancel`)).status).toBe(200)
  }
  return { customer: first, product, known }
}

beforeAll(async () => {
  await prepareTools()
  system = await startTarget()
  people = { user: await patientPerson(system, 'user'), admin: await patientPerson(system, 'admin') }
  ids = await makeRows()
}, 900_000)
afterAll(() => system?.close(), 60_000)

it(
  'sqlmap finds nothing in any parameter of any list',
  async () => {
    const routes = listRoutes(await readDocument(system.gateway))
    expect(routes.map(({ operationId }) => operationId)).toEqual(
      expect.arrayContaining([
        ...['listCustomers', 'listCustomerEditors', 'listUsers'],
        ...['listProducts', 'listStockMovements', 'listOrders', 'listNotifications'],
        ...['listImports', 'listJobs', 'listProductImports', 'listOrderJobs'],
      ]),
    )
    expect(routes.flatMap(({ parameters }) => parameters)).toEqual(
      expect.arrayContaining(['q', 'sort', 'limit', 'cursor', 'offset', 'surname[contains]', 'createdAt[gte]']),
    )
    for (const { operationId, path, role, parameters } of routes) {
      const { token } = people[role]
      const id = path.startsWith('/v1/products') ? ids.product : ids.customer
      const place = path.replace(/\{\w+\}/g, id)
      const queries = await answeredQueries(client(system.gateway, token), place, parameters, ids.known)
      const addresses = queries.map((query) => addressOf(place, query))
      if (place !== path) addresses.push(place.replace(id, `${id}*`))
      const untested = new Set(place === path ? parameters : [...parameters, '#1*'])
      const attacks = addresses.flatMap((address) => [
        { address, options: {} },
        ...(/[?&]sort=/.test(address) ? [{ address, options: { parameter: 'sort', level: sortLevel } }] : []),
      ])
      expect(attacks.length).toBeGreaterThan(addresses.length)
      for (const { address, options } of attacks) {
        const attack = { token, timeoutMs, ...options }
        const { injectable, clean, faults, output } = await sqlmap(`${system.gateway}${address}`, attack)
        if (injectable.length + faults.length > 0) console.error(output)
        expect({ operationId, injectable, faults }).toEqual({ operationId, injectable: [], faults: [] })
        for (const parameter of clean) untested.delete(parameter)
      }
      expect({ operationId, untested: [...untested] }).toEqual({ operationId, untested: [] })
    }
  },
  timeoutMs,
)

describe('sqlmap tells a hole from a bound value', () => {
  let leaky: Awaited<ReturnType<typeof startLeakyServer>>
  beforeAll(async () => {
    leaky = await startLeakyServer()
  })
  afterAll(() => leaky?.close())

  it.each([
    ['name', undefined],
    ['sort', sortLevel],
    ['limit', undefined],
  ])(
    'finds %s, which is pasted into the statement',
    async (parameter, level) => {
      const attack = { parameter, timeoutMs: 100_000, ...(level !== undefined && { level }) }
      const { injectable, faults, output } = await sqlmap(leaky.url, attack)
      if (injectable.length === 0) console.error(output)
      expect({ injectable, faults }).toEqual({ injectable: [parameter], faults: [] })
    },
    110_000,
  )

  it('passes id, which is bound', async () => {
    const { clean, injectable, faults } = await sqlmap(leaky.url, { parameter: 'id', timeoutMs: 100_000 })
    expect({ clean, injectable, faults }).toEqual({ clean: ['id'], injectable: [], faults: [] })
  }, 110_000)
})

it('a target that does not answer is no clean one', async () => {
  const { clean, faults } = await sqlmap('http://127.0.0.1:1/?q=a', { timeoutMs: 60_000 })
  expect(clean).toEqual([])
  expect(faults).not.toEqual([])
}, 70_000)
