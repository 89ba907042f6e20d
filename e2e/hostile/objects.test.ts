import type { SignedIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { png } from '../picture.ts'
import { allRoutes, type Route } from '../routes.ts'
import { type HostileSystem, startHostileSystem } from './hostile-system.ts'

/**
 * Whose things a route with an id reaches. `shared`: everybody with the role `user` works on the same customers and photos;
 * `admin`: for administrators only, whoever the id belongs to; `own`: one's own, and administrators'; `link`: the shared ones, or
 * a signed link; `secret`: open to who knows a part of the address. A new route fails until it stands here.
 */
const reach: Record<string, 'shared' | 'admin' | 'own' | 'link' | 'secret'> = {
  'GET /v1/customers/{key}': 'shared',
  'PATCH /v1/customers/{key}': 'shared',
  'PUT /v1/customers/{key}': 'shared',
  'DELETE /v1/customers/{key}': 'shared',
  'POST /v1/customers/{key}/restore': 'shared',
  'GET /v1/customers/{key}/editors': 'shared',
  'GET /v1/customers/{key}/photo': 'shared',
  'PUT /v1/customers/{key}/photo': 'shared',
  'DELETE /v1/customers/{key}/photo': 'shared',
  'GET /v1/imports/{id}': 'own',
  'PATCH /v1/imports/{id}': 'own',
  'DELETE /v1/imports/{id}': 'own',
  'POST /v1/imports/{id}/commit': 'own',
  'POST /v1/imports/{id}/undo': 'own',
  'GET /v1/jobs/{id}': 'own',
  'DELETE /v1/jobs/{id}': 'own',
  'GET /v1/jobs/{id}/result': 'own',
  'GET /v1/jobs/{id}/errors': 'own',
  'GET /v1/product-imports/{id}': 'own',
  'PATCH /v1/product-imports/{id}': 'own',
  'DELETE /v1/product-imports/{id}': 'own',
  'POST /v1/product-imports/{id}/commit': 'own',
  'POST /v1/product-imports/{id}/undo': 'own',
  'GET /v1/order-jobs/{id}': 'own',
  'DELETE /v1/order-jobs/{id}': 'own',
  'GET /v1/order-jobs/{id}/result': 'own',
  'GET /v1/order-jobs/{id}/errors': 'own',
  'GET /v1/products/{key}': 'shared',
  'PATCH /v1/products/{key}': 'shared',
  'PUT /v1/products/{key}': 'shared',
  'DELETE /v1/products/{key}': 'shared',
  'POST /v1/products/{key}/restore': 'shared',
  'GET /v1/products/{key}/photo': 'shared',
  'PUT /v1/products/{key}/photo': 'shared',
  'DELETE /v1/products/{key}/photo': 'shared',
  'GET /v1/products/{key}/stock-movements': 'shared',
  'POST /v1/products/{key}/stock-movements': 'shared',
  'GET /v1/orders/{key}': 'shared',
  'PATCH /v1/orders/{key}': 'shared',
  'POST /v1/orders/{key}/cancel': 'shared',
  'POST /v1/orders/{key}/fulfil': 'shared',
  'GET /v1/notifications/{id}': 'shared',
  'POST /v1/notifications/{id}/retry': 'admin',
  'POST /v1/callbacks/{provider}/{secret}': 'secret',
  'GET /v1/media/{id}': 'shared',
  'DELETE /v1/media/{id}': 'shared',
  'GET /v1/media/{id}/content': 'link',
  'GET /v1/users/{id}': 'admin',
  'PATCH /v1/users/{id}': 'admin',
  'PUT /v1/users/{id}': 'admin',
  'DELETE /v1/users/{id}': 'admin',
  'PUT /v1/users/{id}/roles/{role}': 'admin',
  'DELETE /v1/users/{id}/roles/{role}': 'admin',
  'POST /v1/users/{id}/password-reset': 'admin',
  'POST /v1/users/{id}/logout': 'admin',
}

const routes = allRoutes().filter(({ path }) => path.includes('{'))
const named = (wanted: string[]) =>
  routes.filter(({ name }) => wanted.includes(reach[name] ?? '')).map((route) => [route.name, route] as const)

let system: HostileSystem
let ana: SignedIn
let ben: SignedIn
let boss: SignedIn
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
const kinds: [string, Kind][] = [
  ['/v1/imports', 'import'],
  ['/v1/jobs', 'job'],
  ['/v1/product-imports', 'product-import'],
  ['/v1/order-jobs', 'order-job'],
  ['/v1/users', 'user'],
  ['/v1/media', 'media'],
  ['/v1/products', 'product'],
  ['/v1/orders', 'order'],
  ['/v1/notifications', 'notification'],
]
let gone: Partial<Record<Kind, string>>
let there: Record<Kind, string>
beforeAll(async () => {
  system = await startHostileSystem()
  ana = await system.person('user')
  ben = await system.person('user')
  boss = await system.person('admin', 'user')
  const { id: leaver, token } = await system.person('user')
  const [mine, chief] = [system.as(ana.token), system.as(boss.token)]
  const things = async () => ({
    customer: String((await mine.post('/v1/customers', { name: 'A', surname: 'B' })).body.id),
    media: String((await mine.post('/v1/media', photo())).body.id),
    product: String((await mine.post('/v1/products', goods)).body.id),
  })
  const made = await things()
  const order = await anOrder(mine, made.customer)
  const imported = async (path: string) => {
    const { body } = await mine.raw('POST', path, { headers: { 'content-type': 'text/csv' }, body: 'name\nAna\n' })
    return { id: String(body.id), job: String(body.jobId) }
  }
  const [customers, products] = [await imported('/v1/imports'), await imported('/v1/product-imports')]
  const own = {
    import: customers.id,
    job: customers.job,
    'product-import': products.id,
    'order-job': products.job,
  }
  there = { ...made, user: ana.id, order, notification: await notificationOf(mine, order), ...own }
  gone = { ...(await things()), user: leaver }
  expect((await chief.delete(`/v1/products/${gone.product}?purge=true`)).status).toBe(204)
  expect((await system.as(token).delete('/v1/users/me')).status).toBe(204)
  expect((await mine.delete(`/v1/media/${gone.media}`)).status).toBe(204)
  expect((await chief.delete(`/v1/customers/${gone.customer}?purge=true`)).status).toBe(204)
}, 120_000)
afterAll(() => system?.close(), 60_000)

const photo = () => {
  const data = new FormData()
  data.append('file', new Blob([png(8, 8)], { type: 'image/png' }), 'a.png')
  return data
}

const goods = { name: 'Goods', price: '2.50', stock: 10 }
type Api = ReturnType<HostileSystem['as']>
const anOrder = async (api: Api, customerId?: string): Promise<string> => {
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
}
const bodyFor = ({ name }: Route): unknown => {
  if (name.startsWith('PUT') && name.endsWith('/photo')) return { mediaId: there.media }
  if (name === 'PUT /v1/users/{id}')
    return { username: ana.username, email: `${ana.username}@example.com`, roles: ['user'], enabled: true }
  return bodies[name]
}
const call = async (route: Route, id: string, token: string | undefined, base: string) => {
  const path = route.path.replace('{role}', 'user').replace(/\{\w+\}/, id)
  const form = route.types.includes('application/x-www-form-urlencoded')
  const body = form ? 'id=x&status=Success&phoneNumber=%2B254711000111' : JSON.stringify(bodyFor(route))
  const type = form ? 'application/x-www-form-urlencoded' : 'application/json'
  const init = body === undefined ? {} : { headers: { 'content-type': type }, body }
  const { status, body: problem } = await system.as(token, base).raw(route.method, path, init)
  return { status, code: problem?.code as string | undefined }
}
const doorsOf = ({ service }: Route) => [system.gateway, system.url(service)]
const ownKind = ({ path }: Route): Kind => kinds.find(([prefix]) => path.startsWith(prefix))?.[1] ?? 'customer'

it('every route with an id says whose things it reaches', () => {
  expect(Object.keys(reach).sort()).toEqual(routes.map(({ name }) => name).sort())
})

describe('what is for administrators', () => {
  it.each(named(['admin']))(
    '%s: 403 to a user, for another one, for themselves, for nobody, at every door',
    async (_name, route) => {
      for (const base of doorsOf(route))
        for (const id of [boss.id, ana.id, ben.id, String(gone.user), there.notification, 'x'])
          expect(await call(route, id, ben.token, base)).toEqual({ status: 403, code: 'forbidden' })
    },
  )
})

describe('what is somebody’s own', () => {
  it.each(named(['own']))('%s: 404 to another user, at every door', async (_name, route) => {
    for (const base of doorsOf(route))
      expect(await call(route, there[ownKind(route)], ben.token, base)).toEqual({ status: 404, code: 'not_found' })
  })
})

describe('what everybody works on', () => {
  const fresh = async ({ name, path }: Route): Promise<string> => {
    const mine = system.as(ana.token)
    const media = String((await mine.post('/v1/media', photo())).body.id)
    if (path.startsWith('/v1/media')) return media
    if (path.startsWith('/v1/notifications')) return there.notification
    if (path.startsWith('/v1/orders')) return anOrder(mine)
    if (path.startsWith('/v1/products')) {
      const { body } = await mine.post('/v1/products', { ...goods, photoMediaId: media })
      if (name.endsWith('/restore')) await mine.delete(`/v1/products/${body.id}`)
      return String(body.id)
    }
    const { body } = await mine.post('/v1/customers', { name: 'Of', surname: 'Ana', photoMediaId: media })
    if (name.endsWith('/restore')) await mine.delete(`/v1/customers/${body.id}`)
    return String(body.id)
  }

  it.each(named(['shared', 'link']))('%s: open to another user, as SECURITY.md says', async (_name, route) => {
    for (const base of doorsOf(route)) {
      const { status } = await call(route, await fresh(route), ben.token, base)
      expect(status).toBeLessThan(400)
    }
  })

  it('removing for good is for administrators', async () => {
    const refused = async (path: string, service: 'customer-service' | 'order-service') => {
      for (const base of [system.gateway, system.url(service)]) {
        const { status, body } = await system.as(ben.token, base).delete(`${path}?purge=true`)
        expect({ status, code: body.code }).toEqual({ status: 403, code: 'forbidden' })
      }
    }
    await refused(`/v1/customers/${there.customer}`, 'customer-service')
    await refused(`/v1/products/${there.product}`, 'order-service')
  })
})

describe('ids that lead nowhere', () => {
  const unknown = '01900000-0000-7000-8000-000000000000'
  it.each(routes.map((route) => [route.name, route] as const))(
    '%s: 404 to an id of nothing, of something deleted, of another type',
    async (_name, route) => {
      const kind = ownKind(route)
      const { [kind]: _own, ...others } = there
      const ids = { unknown, gone: gone[kind] ?? unknown, ...others }
      for (const base of doorsOf(route))
        for (const [what, id] of Object.entries(ids))
          expect({ what, ...(await call(route, id, boss.token, base)) }).toEqual({
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
    '%s: a 400 or 404 to what is no id',
    async (_name, route) => {
      const wrong: unknown[] = []
      for (const base of doorsOf(route))
        for (const id of malformed) {
          const { status } = await call(route, id, boss.token, base)
          if (status !== 400 && status !== 404) wrong.push([base, id.slice(0, 50), status])
        }
      expect(wrong).toEqual([])
    },
  )
})

describe('things of one’s own', () => {
  const claims = () => ({
    'x-user-id': ana.id,
    'x-forwarded-user': ana.username,
    'x-user-roles': 'admin',
    'x-sub': ana.id,
  })

  it('GET /v1/users/me answers with the token’s owner, whoever the headers name', async () => {
    for (const base of [system.gateway, system.url('user-service')])
      expect((await system.as(ben.token, base).get('/v1/users/me', claims())).body.id).toBe(ben.id)
    expect((await system.as(ben.token).get(`/v1/users/me?id=${ana.id}`)).status).toBe(400)
  })

  it.each([
    ['id', () => ({ id: ana.id })],
    ['sub', () => ({ sub: ana.id })],
    ['roles', () => ({ roles: ['admin'] })],
    ['enabled', () => ({ enabled: false })],
    ['emailVerified', () => ({ emailVerified: true })],
    ['username', () => ({ username: ana.username })],
    ['version', () => ({ version: 1 })],
  ])('PATCH /v1/users/me refuses %s', async (field, body) => {
    const before = (await system.as(ben.token).get('/v1/users/me')).body
    for (const base of [system.gateway, system.url('user-service')]) {
      const { status, body: problem } = await system.as(ben.token, base).patch('/v1/users/me', body())
      expect({ status, pointer: problem.errors?.[0].pointer }).toEqual({ status: 422, pointer: `/${field}` })
    }
    expect((await system.as(ben.token).get('/v1/users/me')).body).toEqual(before)
  })

  it('an Idempotency-Key of another user gives no answer of theirs', async () => {
    const key = { 'idempotency-key': 'ana-1' }
    const first = await system.as(ana.token).post('/v1/customers', { name: 'Key', surname: 'Ana' }, key)
    const second = await system.as(ben.token).post('/v1/customers', { name: 'Key', surname: 'Ana' }, key)
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.body.id).not.toBe(first.body.id)
    expect(second.body.createdBy.id).toBe(ben.id)
    expect(second.headers.get('idempotency-replayed')).toBeNull()
  })

  it.each(['createdBy', 'updatedBy', 'userId', 'id', 'version', 'code', 'deletedAt'])(
    'a customer’s %s cannot be set',
    async (field) => {
      const value = { createdBy: { id: ana.id, displayName: 'A' }, version: 7 }[field] ?? ana.id
      const { status, body } = await system
        .as(ben.token)
        .post('/v1/customers', { name: 'A', surname: 'B', [field]: value })
      expect({ status, code: body.errors?.[0].code }).toEqual({ status: 422, code: 'unknown_field' })
    },
  )
})

describe('a signed link', () => {
  it('opens one medium in one size until it expires, and nothing else', async () => {
    const [one, other] = [
      await system.as(ana.token).post('/v1/media', photo()),
      await system.as(ana.token).post('/v1/media', photo()),
    ]
    const link = new URL(one.body.url)
    expect(link.origin).toBe(system.gateway)
    const ask = async (change: (url: URL) => void) => {
      const url = new URL(link)
      change(url)
      return (await system.as().get(`${url.pathname}${url.search}`)).status
    }
    expect(await ask(() => {})).toBe(200)
    const set = (name: string, value: string) => (url: URL) => url.searchParams.set(name, value)
    const changes: [string, (url: URL) => void][] = [
      [
        'another medium',
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
      const status = await ask(change)
      expect({ what, refused: [400, 401, 403].includes(status) }).toEqual({ what, refused: true })
    }
    expect((await system.as().delete(`${link.pathname.replace('/content', '')}${link.search}`)).status).toBe(401)
  })
})

it('nothing secret stands in the logs and refusals of all this', () => {
  const { logLines, refusals, ...found } = system.leaks()
  expect(logLines).toBeGreaterThan(100)
  expect(refusals).toBeGreaterThan(100)
  expect(found).toEqual({ inLogs: [], inRefusals: [] })
})
