import { newId } from '@clientele/platform/data/db'
import { client } from '@clientele/platform/testing/client'
import { badTokens, signedInAs } from '@clientele/platform/testing/tokens'
import { contract } from '../src/contract.ts'
import { type Running, startNotifications } from './start.ts'

let service: Running
let invalidTokens: (string | undefined)[]
beforeAll(async () => {
  service = await startNotifications()
  invalidTokens = [undefined, ...Object.values(await badTokens())]
})
afterAll(() => service?.stop())

const routes = Object.entries(contract.document().paths ?? {})
  .filter(([path]) => !path.startsWith('/v1/callbacks/'))
  .flatMap(([path, item]) =>
    Object.keys(item ?? {}).map((method): [string, string] => [method.toUpperCase(), path.replace('{id}', newId())]),
  )
const statusFor = async (role: 'nobody' | 'user' | 'admin', method: string, path: string) =>
  (await client(service.url, (await signedInAs(role)).token).raw(method, path)).status

describe('Access to notifications', () => {
  it('the test covers every route of the service', () => expect(routes.length).toBe(3))

  it.each(routes)('%s %s returns 401 without a valid token and 403 without a role', async (method, path) => {
    for (const token of invalidTokens) expect((await client(service.url, token).raw(method, path)).status).toBe(401)
    expect(await statusFor('nobody', method, path)).toBe(403)
  })

  it.each(routes)('%s %s is open to admins, and to users if it only reads', async (method, path) => {
    expect([200, 404]).toContain(await statusFor('admin', method, path))
    const reads = method === 'GET'
    expect(reads ? [200, 404] : [403]).toContain(await statusFor('user', method, path))
  })
})
