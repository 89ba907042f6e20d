import { newId } from '@clientele/platform/data/db'
import { client } from '@clientele/platform/testing/client'
import { badTokens, tokenFor } from '@clientele/platform/testing/tokens'
import { contract } from '../src/contract.ts'
import { type Running, startNotifications } from './start.ts'

let service: Running
let refused: (string | undefined)[]
beforeAll(async () => {
  service = await startNotifications()
  refused = [undefined, ...Object.values(await badTokens())]
})
afterAll(() => service?.stop())

const routes = Object.entries(contract.document().paths ?? {})
  .filter(([path]) => !path.startsWith('/v1/callbacks/'))
  .flatMap(([path, item]) =>
    Object.keys(item ?? {}).map((method): [string, string] => [method.toUpperCase(), path.replace('{id}', newId())]),
  )
const statusFor = async (role: 'nobody' | 'user' | 'admin', method: string, path: string) =>
  (await client(service.url, (await tokenFor(role)).token).raw(method, path)).status

describe('who may call (S3-32)', () => {
  it('knows every route of the service', () => expect(routes.length).toBe(3))

  it.each(routes)('%s %s answers 401 without a valid token, 403 without a role', async (method, path) => {
    for (const token of refused) expect((await client(service.url, token).raw(method, path)).status).toBe(401)
    expect(await statusFor('nobody', method, path)).toBe(403)
  })

  it.each(routes)('%s %s lets admins in, and users where they only look', async (method, path) => {
    expect([200, 404]).toContain(await statusFor('admin', method, path))
    const looks = method === 'GET'
    expect(looks ? [200, 404] : [403]).toContain(await statusFor('user', method, path))
  })
})
