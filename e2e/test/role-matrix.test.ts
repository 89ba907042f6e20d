import { client } from '@clientele/platform/testing/client'
import { badTokens, newPerson, tokenFor } from '@clientele/platform/testing/tokens'
import { allRoutes, filled, type Route } from '../routes.ts'
import { type System, startSystem } from '../system.ts'

const uuid = '01900000-0000-7000-8000-000000000000'

const routes = allRoutes()

const changesOwnAccount = ({ method, path }: Route) => path === '/v1/users/me' && method !== 'GET'
const protectedRoutes = routes.filter(({ access }) => access === 'user' || access === 'admin')

let system: System
let bad: Record<string, string>
beforeAll(async () => {
  system = await startSystem()
  bad = await badTokens()
}, 120_000)
afterAll(() => system?.close(), 60_000)

const call = async ({ method, path }: Route, token?: string, base = system.gateway) => {
  const { status, headers, body } = await client(base, token).raw(method, filled(path, uuid))
  return { status, code: (body as { code?: string } | undefined)?.code, challenge: headers.get('www-authenticate') }
}

const authRows = 'S0-01, S0-22, S1-03, S1-04, S1-15, S1-27, S1-28, S2-24, S3-21, S3-32, S4-25'

describe(`role × route matrix from the contracts (${authRows})`, () => {
  it('covers every service', () => {
    expect(routes.length).toBeGreaterThan(30)
    expect(new Set(routes.map(({ path }) => path.split('/')[2]))).toEqual(
      new Set([
        ...['auth', 'users', 'customers', 'imports', 'exports', 'jobs', 'media'],
        ...['products', 'product-imports', 'product-exports', 'orders', 'order-exports', 'order-jobs'],
        ...['notifications', 'callbacks'],
      ]),
    )
  })

  it.each(protectedRoutes.map((route) => [route.name, route] as const))(
    '%s refuses whoever has no valid token',
    async (_name, route) => {
      expect(await call(route)).toMatchObject({
        status: 401,
        code: 'unauthorized',
        challenge: expect.stringMatching(/^Bearer/),
      })
      for (const [kind, token] of Object.entries(bad))
        expect({ kind, ...(await call(route, token)) }).toMatchObject({ kind, status: 401, code: 'invalid_token' })
    },
  )

  it.each(protectedRoutes.map((route) => [route.name, route] as const))(
    '%s asks for its role',
    async (_name, route) => {
      expect(await call(route, (await tokenFor('nobody')).token)).toMatchObject({ status: 403, code: 'forbidden' })
      const person = async (role: 'user' | 'admin') => (changesOwnAccount(route) ? newPerson([role]) : tokenFor(role))
      const asUser = await call(route, (await person('user')).token)
      if (route.access === 'admin') expect(asUser).toMatchObject({ status: 403, code: 'forbidden' })
      else expect([401, 403, 500, 502, 503]).not.toContain(asUser.status)
      expect([401, 403, 500, 502, 503]).not.toContain((await call(route, (await person('admin')).token)).status)
    },
  )

  it.each(routes.filter(({ access }) => access === 'public').map((route) => [route.name, route] as const))(
    '%s is open to everybody',
    async (_name, route) => {
      expect(['unauthorized', 'invalid_token', 'forbidden']).not.toContain((await call(route)).code)
    },
  )
})

describe('the services themselves refuse what the gateway would (S1-27, S1-28)', () => {
  it.each(protectedRoutes.map((route) => [route.name, route] as const))('%s', async (_name, route) => {
    const base = system.url(route.service)
    expect((await call(route, undefined, base)).status).toBe(401)
    expect((await call(route, bad['wrongAudience'], base)).status).toBe(401)
    expect((await call(route, (await tokenFor('nobody')).token, base)).status).toBe(403)
  })
})
