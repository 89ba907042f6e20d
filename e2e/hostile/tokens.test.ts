import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { masterToken } from '@clientele/platform/testing/realm'
import { type SignedIn, signIn, tokenFor } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { claimsOf, headerOf, hmacSigned, holdRealmKey, newKey, publicPem, signed, unsigned } from './forge.ts'
import { type HostileSystem, startHostileSystem } from './hostile-system.ts'

let system: HostileSystem
let admin: SignedIn
let key: Awaited<ReturnType<typeof holdRealmKey>>
let strangers: Server
let strangersAsked = 0
beforeAll(async () => {
  system = await startHostileSystem()
  admin = await system.person('admin', 'user')
  key = await holdRealmKey(system)
  strangers = createServer((_req, res) => {
    strangersAsked += 1
    res.end('{"keys":[]}')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => strangers.once('listening', resolve))
  // A key that was published a moment ago is known at the latest 5 s after the last reading.
  let count = 0
  await eventually(async () => expect(statusesOf(await through(forged({ jti: `${count++}` })))).toEqual(open), {
    timeoutMs: 20_000,
    everyMs: 500,
  })
}, 120_000)
afterAll(async () => {
  strangers?.close()
  await system?.close()
}, 60_000)

/** One route behind each door: the gateway's way to a service, and the service itself. */
const routes = {
  'user-service': '/v1/users',
  'customer-service': '/v1/customers',
  'media-service': '/v1/media/01900000-0000-7000-8000-000000000000',
  'order-service': '/v1/products',
  'notification-service': '/v1/notifications',
}
const doors = () =>
  Object.entries(routes).flatMap(([service, path]) => [
    { door: `gateway to ${service}`, base: system.gateway, path },
    { door: service, base: system.url(service), path },
  ])

const through = async (token: string) => {
  system.secret(token.split('.')[2] || token)
  const answers = doors().map(async ({ door, base, path }) => {
    const { status, body, headers } = await system.as(token, base).get(path)
    return { door, status, code: body?.code, challenge: headers.get('www-authenticate')?.slice(0, 28) }
  })
  return Promise.all(answers)
}
const refused = () =>
  doors().map(({ door }) => ({
    door,
    status: 401,
    code: 'invalid_token',
    challenge: 'Bearer error="invalid_token"'.slice(0, 28),
  }))
const statusesOf = (answers: { status: number }[]) => answers.map(({ status }) => status)
const open = [200, 200, 200, 200, 404, 404, 200, 200, 200, 200]

const header = () => ({ ...headerOf(admin.token), kid: key.kid })
const claims = (change: Record<string, unknown> = {}) => ({ ...claimsOf(admin.token), ...change })
const forged = (change: Record<string, unknown>, head: Record<string, unknown> = {}) =>
  signed({ ...header(), ...head }, claims(change), key.privateKey)
const seconds = () => Math.floor(Date.now() / 1000)

it('a token of a published key with all that it needs is let in: the refusals below have the reasons they name', async () => {
  expect(statusesOf(await through(forged({ jti: 'control' })))).toEqual(open)
})

describe('claims, signed by a key of the realm', () => {
  it.each<[string, () => Record<string, unknown>]>([
    ['no exp', () => ({ exp: undefined })],
    ['exp in the past', () => ({ exp: seconds() - 1 })],
    ['exp as a text', () => ({ exp: String(seconds() + 300) })],
    ['exp of null', () => ({ exp: null })],
    ['nbf in the future', () => ({ nbf: seconds() + 300 })],
    ['nbf as a text', () => ({ nbf: 'tomorrow' })],
    ['iat in the future', () => ({ iat: seconds() + 300 })],
    ['no iat', () => ({ iat: undefined })],
    ['no sub', () => ({ sub: undefined })],
    ['an object as sub', () => ({ sub: { id: admin.id } })],
    ['no typ', () => ({ typ: undefined })],
    ['typ ID', () => ({ typ: 'ID' })],
    ['typ Refresh', () => ({ typ: 'Refresh' })],
    ['typ Offline', () => ({ typ: 'Offline' })],
    ['no aud', () => ({ aud: undefined })],
    ['another aud', () => ({ aud: 'account' })],
    ['an aud that begins like ours', () => ({ aud: 'clientele-api-2' })],
    ['another iss', () => ({ iss: system.issuer.replace(/[^/]+$/, 'clientele') })],
    ['iss with a slash', () => ({ iss: `${system.issuer}/` })],
    ['no iss', () => ({ iss: undefined })],
  ])('%s: refused at every door', async (_name, change) => {
    expect(await through(forged(change()))).toEqual(refused())
  })

  it('roles that are no list of texts give none', async () => {
    for (const roles of ['admin', { includes: 'admin' }, [['admin']], 'user,admin'])
      expect(statusesOf(await through(forged({ realm_access: { roles } })))).toEqual(open.map(() => 403))
  })
})

describe('signatures and headers', () => {
  const stranger = newKey()
  const elsewhere = () => `http://127.0.0.1:${(strangers.address() as AddressInfo).port}/keys`
  const jwk = { ...stranger.publicKey.export({ format: 'jwk' }), kid: 'mine', use: 'sig', alg: 'RS256' }

  it.each(['none', 'None', 'nOnE', 'NONE', ''])('alg "%s", without and with a signature', async (alg) => {
    const real = admin.token.split('.')[2]
    expect(await through(unsigned({ ...header(), alg }, claims(), real))).toEqual(refused())
    expect(await through(unsigned({ ...header(), alg }, claims(), 'AA'))).toEqual(refused())
    for (const { status } of await through(unsigned({ ...header(), alg }, claims()))) expect(status).toBe(401)
  })

  it('HS256 with the public key as secret, in every form that it is published in', async () => {
    const pem = await publicPem(system.issuer, admin.token)
    const bare = pem.replace(/-----[^-]+-----|\s/g, '')
    const head = { ...headerOf(admin.token), alg: 'HS256' }
    for (const secret of [pem, pem.trim(), bare, Buffer.from(bare, 'base64')])
      expect(await through(hmacSigned(head, claims(), secret))).toEqual(refused())
  })

  it.each(['RS384', 'RS512', 'PS256', 'ES256', 'HS256', 'EdDSA'])(
    'a good RS256 signature under the name %s',
    async (alg) => expect(await through(forged({}, { alg }))).toEqual(refused()),
  )

  it.each<[string, unknown]>([
    ['a path', '../../../../../../dev/null'],
    ['an address', 'http://127.0.0.1/keys'],
    ['SQL', "x' UNION SELECT 'key"],
    ['the name of a property', '__proto__'],
    ['the name of a method', 'constructor'],
    ['a list', ['a']],
    ['an object', { toString: 'x' }],
    ['a number', 0],
    ['nothing', undefined],
    ['an empty text', ''],
    ['100 kB', 'k'.repeat(5_000)],
  ])('kid: %s', async (_name, kid) => {
    expect(await through(signed({ ...header(), kid }, claims(), stranger.privateKey))).toEqual(refused())
  })

  it('keys that the token brings along or points to are not used, and their address is not asked', async () => {
    const tricks = [
      { kid: 'mine', jku: elsewhere() },
      { kid: 'mine', x5u: elsewhere() },
      { kid: 'mine', jwk },
      { jwk },
      { jku: elsewhere() },
      { kid: 'mine', x5c: [stranger.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] },
    ]
    for (const trick of tricks)
      expect(await through(signed({ ...header(), ...trick }, claims(), stranger.privateKey))).toEqual(refused())
    expect(strangersAsked).toBe(0)
  })

  it('a real signature under changed claims', async () => {
    const [head, , signature] = admin.token.split('.')
    const body = unsigned({}, claims({ sub: crypto.randomUUID() })).split('.')[1]
    expect(await through(`${head}.${body}.${signature}`)).toEqual(refused())
  })
})

describe('real tokens that are meant for something else', () => {
  it('of another realm, of another client, for the client itself, for more tokens', async () => {
    await system.realm.ensureClient('no-audience', {})
    const other = await signIn(admin.username, admin.password, 'no-audience', system.realm.name)
    const tokens = {
      'another realm, same roles': (await tokenFor('admin')).token,
      'the realm of Keycloak’s administrators': await masterToken(),
      'another client': other.token,
      'ID token': admin.idToken,
      'refresh token': admin.refreshToken,
    }
    for (const [kind, token] of Object.entries(tokens)) expect([kind, await through(token)]).toEqual([kind, refused()])
  })

  it('is a token in the address or in a form taken for one in the header', async () => {
    for (const { base, path } of doors()) {
      const { status } = await system.as(undefined, base).get(`${path}?access_token=${admin.token}`)
      expect(status).toBe(401)
    }
  })
})

it('a key that the realm withdraws is of no use any more: at once for new tokens, after 30 s for those that were seen', async () => {
  const seen = forged({ jti: 'seen' })
  expect(statusesOf(await through(seen))).toEqual(open)
  await key.remove()
  const stranger = newKey()
  let count = 0
  await eventually(
    async () => {
      // An unknown key makes everybody read the realm's keys again, at most every 5 s.
      count += 1
      await through(signed({ ...header(), kid: `unknown-${count}` }, claims(), stranger.privateKey))
      expect(await through(forged({ jti: `new-${count}` }))).toEqual(refused())
    },
    { timeoutMs: 15_000, everyMs: 1_000 },
  )
  await eventually(async () => expect(await through(seen)).toEqual(refused()), { timeoutMs: 35_000, everyMs: 1_000 })
  expect(statusesOf(await through(admin.token))).toEqual(open)
}, 60_000)

it('no token and no signature stands in the logs and refusals of all this', () => {
  const { logLines, refusals, ...found } = system.leaks()
  expect(logLines).toBeGreaterThan(100)
  expect(refusals).toBeGreaterThan(100)
  expect(found).toEqual({ inLogs: [], inRefusals: [] })
})
