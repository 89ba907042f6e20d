import type { SignedInUser } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { createPng } from '../png-image.ts'
import { allRoutes, type Route } from '../routes.ts'
import { type HostileSystem, startHostileSystem } from './hostile-system.ts'
import { accessOf } from './object-access.ts'

const routes = allRoutes().filter(({ path }) => path.includes('{'))
const routesWith = (wanted: string[]) =>
  routes.filter(({ name }) => wanted.includes(accessOf[name] ?? '')).map((route) => [route.name, route] as const)

let system: HostileSystem
let ana: SignedInUser
let ben: SignedInUser
let admin: SignedInUser
type Kind =
  | 'import'
  | 'job'
  | 'product-import'
  | 'order-job'
  | 'customer'
  | 'media'
  | 'user'
  | 'product'
  | 'order'
  | 'notification'
  | 'webhook'
const kinds: [string, Kind][] = [
  ['/v1/imports', 'import'],
  ['/v1/jobs', 'job'],
  ['/v1/customers/bulk', 'job'],
  ['/v1/product-imports', 'product-import'],
  ['/v1/order-jobs', 'order-job'],
  ['/v1/users', 'user'],
  ['/v1/media', 'media'],
  ['/v1/products', 'product'],
  ['/v1/orders', 'order'],
  ['/v1/notifications', 'notification'],
  ['/v1/webhooks', 'webhook'],
]
let deleted: Partial<Record<Kind, string>>
let existing: Record<Kind, string>
beforeAll(async () => {
  system = await startHostileSystem()
  ana = await system.signInNewUser('user')
  ben = await system.signInNewUser('user')
  admin = await system.signInNewUser('admin', 'user')
  const { id: leaver, token } = await system.signInNewUser('user')
  const [anaApi, adminApi] = [system.as(ana.token), system.as(admin.token)]
  const createRecords = async () => ({
    customer: String((await anaApi.post('/v1/customers', { name: 'A', surname: 'B' })).body.id),
    media: String((await anaApi.post('/v1/media', photo())).body.id),
    product: String((await anaApi.post('/v1/products', newProduct)).body.id),
    webhook: String((await adminApi.post('/v1/webhooks', newWebhook)).body.id),
  })
  const records = await createRecords()
  const order = await createOrder(anaApi, records.customer)
  const imported = async (path: string) => {
    const { body } = await anaApi.raw('POST', path, { headers: { 'content-type': 'text/csv' }, body: 'name\nAna\n' })
    return { id: String(body.id), job: String(body.jobId) }
  }
  const [customers, products] = [await imported('/v1/imports'), await imported('/v1/product-imports')]
  const own = {
    import: customers.id,
    job: customers.job,
    'product-import': products.id,
    'order-job': products.job,
  }
  existing = { ...records, user: ana.id, order, notification: await notificationOf(anaApi, order), ...own }
  deleted = { ...(await createRecords()), user: leaver }
  expect((await adminApi.delete(`/v1/products/${deleted.product}?purge=true`)).status).toBe(204)
  expect((await adminApi.delete(`/v1/webhooks/${deleted.webhook}`)).status).toBe(204)
  expect((await system.as(token).delete('/v1/users/me')).status).toBe(204)
  expect((await anaApi.delete(`/v1/media/${deleted.media}`)).status).toBe(204)
  expect((await adminApi.delete(`/v1/customers/${deleted.customer}?purge=true`)).status).toBe(204)
}, 120_000)
afterAll(() => system?.close(), 60_000)

const photo = () => {
  const data = new FormData()
  data.append('file', new Blob([createPng(8, 8)], { type: 'image/png' }), 'a.png')
  return data
}

const newWebhook = { url: 'http://127.0.0.1:1025/', events: ['order.*'], active: false }
const newProduct = { name: 'Goods', price: '2.50', stock: 10 }
type Api = ReturnType<HostileSystem['as']>
const createOrder = async (api: Api, customerId?: string): Promise<string> => {
  const lines = [{ description: 'repair', unitPrice: '5' }]
  return String((await api.post('/v1/orders', { lines, ...(customerId && { customerId }) })).body.id)
}
const notificationOf = (api: Api, order: string): Promise<string> =>
  eventually(async () => {
    const { body } = await api.get(`/v1/notifications?orderId=${order}`)
    expect(body.data).toHaveLength(1)
    return String(body.data[0].id)
  })

const bodies: Record<string, unknown> = {
  'PATCH /v1/products/{key}': { name: 'Changed' },
  'PUT /v1/products/{key}': { name: 'Changed', price: '3' },
  'POST /v1/products/{key}/stock-movements': { delta: 5, reason: 'delivery' },
  'PATCH /v1/imports/{id}': { onMatch: 'skip' },
  'PATCH /v1/product-imports/{id}': { onMatch: 'skip' },
  'PATCH /v1/orders/{key}': { note: 'changed' },
  'PATCH /v1/customers/{key}': { name: 'Changed' },
  'PUT /v1/customers/{key}': { name: 'Changed', surname: 'Too' },
  'PATCH /v1/users/{id}': { surname: 'Changed' },
  'PATCH /v1/tags/{tag}': { name: 'changed' },
  'PATCH /v1/webhooks/{id}': { description: 'changed' },
  'POST /v1/webhooks/{id}/replay': { since: '2026-01-01T00:00:00.000Z' },
}
const bodyFor = ({ name }: Route): unknown => {
  if (name.startsWith('PUT') && name.endsWith('/photo')) return { mediaId: existing.media }
  if (name === 'PUT /v1/users/{id}')
    return { username: ana.username, email: `${ana.username}@example.com`, roles: ['user'], enabled: true }
  return bodies[name]
}
const call = async (route: Route, id: string, token: string | undefined, base: string) => {
  const path = route.path
    .replace('{role}', 'user')
    .replace('{sessionId}', id)
    .replace('{deliveryId}', id)
    .replace(/\{\w+\}/, id)
  const form = route.types.includes('application/x-www-form-urlencoded')
  const body = form ? 'id=x&status=Success&phoneNumber=%2B254711000111' : JSON.stringify(bodyFor(route))
  const type = form ? 'application/x-www-form-urlencoded' : 'application/json'
  const init = body === undefined ? {} : { headers: { 'content-type': type }, body }
  const { status, body: problem } = await system.as(token, base).raw(route.method, path, init)
  return { status, code: problem?.code as string | undefined }
}
const basesOf = ({ service }: Route) => [system.gateway, system.url(service)]
const kindOf = ({ path }: Route): Kind => kinds.find(([prefix]) => path.startsWith(prefix))?.[1] ?? 'customer'

it('every route with an id is classified in this file', () => {
  expect(Object.keys(accessOf).sort()).toEqual(routes.map(({ name }) => name).sort())
})

describe('Routes for admins', () => {
  it.each(routesWith(['admin']))(
    '%s returns 403 to a user, for any id, at the gateway and at the service',
    async (_name, route) => {
      for (const base of basesOf(route))
        for (const id of [admin.id, ana.id, ben.id, String(deleted.user), existing.notification, 'x'])
          expect(await call(route, id, ben.token, base)).toEqual({ status: 403, code: 'forbidden' })
    },
  )
})

describe('Routes for the owner of a record', () => {
  it.each(routesWith(['own']))(
    '%s returns 404 to another user, at the gateway and at the service',
    async (_name, route) => {
      for (const base of basesOf(route))
        expect(await call(route, existing[kindOf(route)], ben.token, base)).toEqual({ status: 404, code: 'not_found' })
    },
  )
})

describe('Routes for all users', () => {
  const createFor = async ({ name, path }: Route): Promise<string> => {
    const anaApi = system.as(ana.token)
    const media = String((await anaApi.post('/v1/media', photo())).body.id)
    if (path.startsWith('/v1/media')) return media
    if (path.startsWith('/v1/notifications')) return existing.notification
    if (path.startsWith('/v1/orders')) return createOrder(anaApi)
    if (path.startsWith('/v1/products')) {
      const { body } = await anaApi.post('/v1/products', { ...newProduct, photoMediaId: media })
      if (name.endsWith('/restore')) await anaApi.delete(`/v1/products/${body.id}`)
      return String(body.id)
    }
    const { body } = await anaApi.post('/v1/customers', { name: 'Of', surname: 'Ana', photoMediaId: media })
    if (name.endsWith('/restore')) await anaApi.delete(`/v1/customers/${body.id}`)
    return String(body.id)
  }

  it.each(routesWith(['shared', 'link']))('%s works for users who did not create the record', async (_name, route) => {
    for (const base of basesOf(route)) {
      const { status } = await call(route, await createFor(route), ben.token, base)
      expect(status).toBeLessThan(400)
    }
  })

  it('a purge by a user without the role admin gets 403', async () => {
    const expectForbidden = async (path: string, service: 'customer-service' | 'order-service') => {
      for (const base of [system.gateway, system.url(service)]) {
        const { status, body } = await system.as(ben.token, base).delete(`${path}?purge=true`)
        expect({ status, code: body.code }).toEqual({ status: 403, code: 'forbidden' })
      }
    }
    await expectForbidden(`/v1/customers/${existing.customer}`, 'customer-service')
    await expectForbidden(`/v1/products/${existing.product}`, 'order-service')
  })
})

describe('Unknown and malformed ids', () => {
  const unknown = '01900000-0000-7000-8000-000000000000'
  // The service does not know which customers there are.
  const isTimeline = ({ name }: Route) => name === 'GET /v1/customers/{id}/timeline'
  it.each(routes.filter(isTimeline).map((route) => [route.name, route] as const))(
    '%s is empty for an unknown id',
    async (_name, route) => {
      for (const base of basesOf(route))
        expect(await call(route, unknown, admin.token, base)).toMatchObject({ status: 200 })
    },
  )

  it.each(routes.filter((route) => !isTimeline(route)).map((route) => [route.name, route] as const))(
    '%s returns 404 for an unknown id, the id of a deleted record and the id of another type of record',
    async (_name, route) => {
      const kind = kindOf(route)
      const { [kind]: _own, ...others } = existing
      const ids = { unknown, deleted: deleted[kind] ?? unknown, ...others }
      for (const base of basesOf(route))
        for (const [what, id] of Object.entries(ids))
          expect({ what, ...(await call(route, id, admin.token, base)) }).toEqual({
            what,
            status: 404,
            code: 'not_found',
          })
    },
  )

  const malformed = [
    ...['x', '0', '-1', 'null', 'undefined', '*', '{id}', '%27%20OR%20%271%27%3D%271', '%00', '%0d%0aX-A:%20b'],
    ...['..%2f..%2fusers', '%2e%2e', '%c0%ae', '%f0%9f%98%80', 'a'.repeat(3_000), `${unknown}%20`, `{${unknown}}`],
    ...[unknown.replaceAll('-', ''), `${unknown},${unknown}`, '__proto__', 'constructor', '9007199254740993', '1e9'],
  ]
  it.each(routes.map((route) => [route.name, route] as const))(
    '%s returns 400 or 404 for a malformed id',
    async (_name, route) => {
      const unexpected: unknown[] = []
      for (const base of basesOf(route))
        for (const id of malformed) {
          // A client resolves this to another path, such as /v1/users/me, before it sends the request.
          if (id === '%2e%2e' && /^\/v1\/(users\/me|customers\/bulk)\//.test(route.path)) continue
          const { status } = await call(route, id, admin.token, base)
          if (status !== 400 && status !== 404) unexpected.push([base, id.slice(0, 50), status])
        }
      expect(unexpected).toEqual([])
    },
  )
})

describe('Fields and headers that name another user', () => {
  const claims = () => ({
    'x-user-id': ana.id,
    'x-forwarded-user': ana.username,
    'x-user-roles': 'admin',
    'x-sub': ana.id,
  })

  it('GET /v1/users/me returns the user of the token, whatever the headers say', async () => {
    for (const base of [system.gateway, system.url('user-service')])
      expect((await system.as(ben.token, base).get('/v1/users/me', claims())).body.id).toBe(ben.id)
    expect((await system.as(ben.token).get(`/v1/users/me?id=${ana.id}`)).status).toBe(400)
  })

  it.each([
    ['id', () => ({ id: ana.id })],
    ['sub', () => ({ sub: ana.id })],
    ['roles', () => ({ roles: ['admin'] })],
    ['enabled', () => ({ enabled: false })],
    ['emailVerified', () => ({ emailVerified: false })],
    ['username', () => ({ username: ana.username })],
    ['version', () => ({ version: 99 })],
  ])('PATCH /v1/users/me refuses the field %s', async (field, body) => {
    const before = (await system.as(ben.token).get('/v1/users/me')).body
    for (const base of [system.gateway, system.url('user-service')]) {
      const { status, body: problem } = await system.as(ben.token, base).patch('/v1/users/me', body())
      expect({ status, pointer: problem.errors?.[0].pointer }).toEqual({ status: 422, pointer: `/${field}` })
    }
    expect((await system.as(ben.token).get('/v1/users/me')).body).toEqual(before)
  })

  it('the Idempotency-Key of another user does not replay their response', async () => {
    const key = { 'idempotency-key': 'ana-1' }
    const first = await system.as(ana.token).post('/v1/customers', { name: 'Key', surname: 'Ana' }, key)
    const second = await system.as(ben.token).post('/v1/customers', { name: 'Key', surname: 'Ana' }, key)
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.body.id).not.toBe(first.body.id)
    expect(second.body.createdBy.id).toBe(ben.id)
    expect(second.headers.get('idempotency-replayed')).toBeNull()
  })

  it.each(['createdBy', 'updatedBy', 'userId', 'id', 'version', 'code', 'deletedAt'])(
    'POST /v1/customers refuses the read-only field %s',
    async (field) => {
      const value = { createdBy: { id: ana.id, displayName: 'A' }, version: 7 }[field] ?? ana.id
      const { status, body } = await system
        .as(ben.token)
        .post('/v1/customers', { name: 'A', surname: 'B', [field]: value })
      expect({ status, code: body.errors?.[0].code }).toEqual({ status: 422, code: 'unknown_field' })
    },
  )
})

describe('A signed link', () => {
  it('a signed link opens one image in one size until it expires, and nothing else', async () => {
    const [one, other] = [
      await system.as(ana.token).post('/v1/media', photo()),
      await system.as(ana.token).post('/v1/media', photo()),
    ]
    const link = new URL(one.body.url)
    expect(link.origin).toBe(system.gateway)
    const statusOf = async (change: (url: URL) => void) => {
      const url = new URL(link)
      change(url)
      return (await system.as().get(`${url.pathname}${url.search}`)).status
    }
    expect(await statusOf(() => {})).toBe(200)
    const set = (name: string, value: string) => (url: URL) => url.searchParams.set(name, value)
    const changes: [string, (url: URL) => void][] = [
      [
        'another image',
        (url) => {
          url.pathname = url.pathname.replace(one.body.id, other.body.id)
        },
      ],
      ['another size', set('variant', link.searchParams.get('variant') === 'thumb' ? 'medium' : 'thumb')],
      ['a longer time', set('expires', String(Number(link.searchParams.get('expires')) + 3_600))],
      ['no time', (url) => url.searchParams.delete('expires')],
      ['an empty signature', set('signature', '')],
      ['another signature', set('signature', 'A'.repeat(43))],
      ['two signatures', (url) => url.searchParams.append('signature', 'x')],
      ['no signature', (url) => url.searchParams.delete('signature')],
    ]
    for (const [what, change] of changes) {
      const status = await statusOf(change)
      expect({ what, refused: [400, 401, 403].includes(status) }).toEqual({ what, refused: true })
    }
    expect((await system.as().delete(`${link.pathname.replace('/content', '')}${link.search}`)).status).toBe(401)
  })
})

it('logs and error responses contain no secrets', () => {
  const { logLines, errorResponses, ...found } = system.findLeaks()
  expect(logLines).toBeGreaterThan(100)
  expect(errorResponses).toBeGreaterThan(100)
  expect(found).toEqual({ inLogs: [], inErrorResponses: [] })
})
