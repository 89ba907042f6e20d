import { client } from '@clientele/platform/testing/client'
import { badTokens, signedInAs } from '@clientele/platform/testing/tokens'
import { contract } from '../src/contract.ts'
import { type Running, startCustomers } from './start.ts'

let service: Running
let invalidTokens: (string | undefined)[]
beforeAll(async () => {
  service = await startCustomers()
  invalidTokens = [undefined, ...Object.values(await badTokens())]
})
afterAll(() => service?.stop())

const routes = Object.entries(contract.document().paths ?? {}).flatMap(([path, item]) =>
  Object.keys(item ?? {}).map((method): [string, string] => [
    method.toUpperCase(),
    path.replace(/\{\w+\}/, '0190a5c4-6f00-7000-8000-000000000001'),
  ]),
)

/** The only route for admins. */
const isForAdmins = (method: string, path: string): boolean => method === 'PATCH' && path.startsWith('/v1/tags/')

describe('Access to customer-service', () => {
  it('the access tests cover every route of the service', () => expect(routes.length).toBeGreaterThanOrEqual(12))

  it.each(routes)('%s %s returns 401 without a valid token', async (method, path) => {
    for (const token of invalidTokens) {
      const { status, headers } = await client(service.url, token).raw(method, path)
      expect(status).toBe(401)
      expect(headers.get('www-authenticate')).toMatch(/^Bearer/)
    }
  })

  it.each(routes)('%s %s returns 403 without a role and serves users and admins', async (method, path) => {
    const statusFor = async (role: 'nobody' | 'user' | 'admin') =>
      (await client(service.url, (await signedInAs(role)).token).raw(method, path)).status
    expect(await statusFor('nobody')).toBe(403)
    if (isForAdmins(method, path)) expect(await statusFor('user')).toBe(403)
    else expect([401, 403, 500]).not.toContain(await statusFor('user'))
    expect([401, 403, 500]).not.toContain(await statusFor('admin'))
  })
})
