import { client } from '@clientele/platform/testing/client'
import { badTokens, createSignedInUser, signedInAs } from '@clientele/platform/testing/tokens'
import { allRoutes, fillPath, type Route } from '../routes.ts'
import { type System, startSystem } from '../system.ts'

const uuid = '01900000-0000-7000-8000-000000000000'

const routes = allRoutes()

const changesOwnAccount = ({ method, path }: Route) => path === '/v1/users/me' && method !== 'GET'
const protectedRoutes = routes.filter(({ access }) => access === 'user' || access === 'admin')

let system: System
let invalidTokens: Record<string, string>
beforeAll(async () => {
  system = await startSystem()
  invalidTokens = await badTokens()
}, 120_000)
afterAll(() => system?.close(), 60_000)

const call = async ({ method, path, isStream }: Route, token?: string, base = system.gateway) => {
  // A stream would not end. Whoever may open it gets 406 for JSON.
  const accept = isStream ? { headers: { accept: 'application/json' } } : {}
  const { status, headers, body } = await client(base, token).raw(method, fillPath(path, uuid), accept)
  return { status, code: (body as { code?: string } | undefined)?.code, challenge: headers.get('www-authenticate') }
}

describe('Roles of every route', () => {
  it('the role tests cover the routes of every service', () => {
    expect(routes.length).toBeGreaterThan(30)
    expect(new Set(routes.map(({ path }) => path.split('/')[2]))).toEqual(
      new Set([
        ...['auth', 'users', 'people', 'customers', 'tags', 'imports', 'exports', 'jobs', 'media'],
        ...['products', 'product-imports', 'product-exports', 'orders', 'order-exports', 'order-jobs'],
        ...['notifications', 'callbacks', 'webhooks', 'audit', 'events'],
      ]),
    )
  })

  it.each(protectedRoutes.map((route) => [route.name, route] as const))(
    '%s returns 401 without a valid token',
    async (_name, route) => {
      expect(await call(route)).toMatchObject({
        status: 401,
        code: 'unauthorized',
        challenge: expect.stringMatching(/^Bearer/),
      })
      for (const [kind, token] of Object.entries(invalidTokens))
        expect({ kind, ...(await call(route, token)) }).toMatchObject({ kind, status: 401, code: 'invalid_token' })
    },
  )

  it.each(protectedRoutes.map((route) => [route.name, route] as const))(
    '%s returns 403 without its role and is allowed with it',
    async (_name, route) => {
      expect(await call(route, (await signedInAs('nobody')).token)).toMatchObject({ status: 403, code: 'forbidden' })
      const accountWith = async (role: 'user' | 'admin') =>
        changesOwnAccount(route) ? createSignedInUser([role]) : signedInAs(role)
      const asUser = await call(route, (await accountWith('user')).token)
      if (route.access === 'admin') expect(asUser).toMatchObject({ status: 403, code: 'forbidden' })
      else expect([401, 403, 500, 502, 503]).not.toContain(asUser.status)
      expect([401, 403, 500, 502, 503]).not.toContain((await call(route, (await accountWith('admin')).token)).status)
    },
  )

  it.each(routes.filter(({ access }) => access === 'public').map((route) => [route.name, route] as const))(
    '%s is allowed without a token',
    async (_name, route) => {
      expect(['unauthorized', 'invalid_token', 'forbidden']).not.toContain((await call(route)).code)
    },
  )
})

describe('Access checks of the services without the gateway', () => {
  it.each(protectedRoutes.map((route) => [route.name, route] as const))(
    'the service of %s checks token and role',
    async (_name, route) => {
      const base = system.url(route.service)
      expect((await call(route, undefined, base)).status).toBe(401)
      expect((await call(route, invalidTokens['wrongAudience'], base)).status).toBe(401)
      expect((await call(route, (await signedInAs('nobody')).token, base)).status).toBe(403)
    },
  )
})
