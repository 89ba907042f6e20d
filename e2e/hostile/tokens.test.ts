import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { masterToken } from '@clientele/platform/testing/realm'
import { type SignedInUser, signedInAs, signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import {
  addRealmKey,
  claimsOf,
  headerOf,
  newKey,
  publicPem,
  signHs256,
  signRs256,
  withSignature,
} from './forged-tokens.ts'
import { type HostileSystem, startHostileSystem } from './hostile-system.ts'

let system: HostileSystem
let admin: SignedInUser
let key: Awaited<ReturnType<typeof addRealmKey>>
let foreignServer: Server
let foreignRequests = 0
beforeAll(async () => {
  system = await startHostileSystem()
  admin = await system.signInNewUser('admin', 'user')
  key = await addRealmKey(system)
  foreignServer = createServer((_req, res) => {
    foreignRequests += 1
    res.end('{"keys":[]}')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => foreignServer.once('listening', resolve))
  // Services read the realm's keys at most every 5 s, so a new key may be unknown for that long.
  let count = 0
  await eventually(
    async () => expect(statusesOf(await callAll(forged({ jti: `${count++}` })))).toEqual(validStatuses),
    {
      timeoutMs: 20_000,
      everyMs: 500,
    },
  )
}, 120_000)
afterAll(async () => {
  foreignServer?.close()
  await system?.close()
}, 60_000)

/** One route of each service. Each is called through the gateway and at the service directly. */
const routes = {
  'user-service': '/v1/users',
  'customer-service': '/v1/customers',
  'media-service': '/v1/media/01900000-0000-7000-8000-000000000000',
  'order-service': '/v1/products',
  'notification-service': '/v1/notifications',
  'activity-service': '/v1/events',
}
const targets = () =>
  Object.entries(routes).flatMap(([service, path]) => [
    { target: `gateway to ${service}`, base: system.gateway, path },
    { target: service, base: system.url(service), path },
  ])

const callAll = async (token: string) => {
  system.addSecrets(token.split('.')[2] || token)
  const responses = targets().map(async ({ target, base, path }) => {
    const { status, body, headers } = await system.as(token, base).get(path)
    return { target, status, code: body?.code, challenge: headers.get('www-authenticate')?.slice(0, 28) }
  })
  return Promise.all(responses)
}
const allRefused = () =>
  targets().map(({ target }) => ({
    target,
    status: 401,
    code: 'invalid_token',
    challenge: 'Bearer error="invalid_token"'.slice(0, 28),
  }))
const statusesOf = (responses: { status: number }[]) => responses.map(({ status }) => status)
const validStatuses = [200, 200, 200, 200, 404, 404, 200, 200, 200, 200, 200, 200]

const header = () => ({ ...headerOf(admin.token), kid: key.kid })
const claims = (change: Record<string, unknown> = {}) => ({ ...claimsOf(admin.token), ...change })
const forged = (change: Record<string, unknown>, head: Record<string, unknown> = {}) =>
  signRs256({ ...header(), ...head }, claims(change), key.privateKey)
const nowSeconds = () => Math.floor(Date.now() / 1000)

it('a valid token that is signed with a published key is accepted', async () => {
  expect(statusesOf(await callAll(forged({ jti: 'control' })))).toEqual(validStatuses)
})

describe('Claims of a token with a valid signature', () => {
  it.each<[string, () => Record<string, unknown>]>([
    ['no exp', () => ({ exp: undefined })],
    ['exp in the past', () => ({ exp: nowSeconds() - 1 })],
    ['exp as a string', () => ({ exp: String(nowSeconds() + 300) })],
    ['exp null', () => ({ exp: null })],
    ['nbf in the future', () => ({ nbf: nowSeconds() + 300 })],
    ['nbf as a string', () => ({ nbf: 'tomorrow' })],
    ['iat in the future', () => ({ iat: nowSeconds() + 300 })],
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
  ])('a token with %s is refused by the gateway and by every service', async (_name, change) => {
    expect(await callAll(forged(change()))).toEqual(allRefused())
  })

  it('roles that are not an array of strings grant no role', async () => {
    for (const roles of ['admin', { includes: 'admin' }, [['admin']], 'user,admin'])
      expect(statusesOf(await callAll(forged({ realm_access: { roles } })))).toEqual(validStatuses.map(() => 403))
  })
})

describe('Signatures and headers of a token', () => {
  const foreignKey = newKey()
  const foreignUrl = () => `http://127.0.0.1:${(foreignServer.address() as AddressInfo).port}/keys`
  const jwk = { ...foreignKey.publicKey.export({ format: 'jwk' }), kid: 'mine', use: 'sig', alg: 'RS256' }

  it.each(['none', 'None', 'nOnE', 'NONE', ''])(
    'a token with alg "%s" is refused with and without a signature',
    async (alg) => {
      const real = admin.token.split('.')[2]
      expect(await callAll(withSignature({ ...header(), alg }, claims(), real))).toEqual(allRefused())
      expect(await callAll(withSignature({ ...header(), alg }, claims(), 'AA'))).toEqual(allRefused())
      for (const { status } of await callAll(withSignature({ ...header(), alg }, claims()))) expect(status).toBe(401)
    },
  )

  it('a token that is signed by HS256 with the public key as its secret is refused', async () => {
    const pem = await publicPem(system.issuer, admin.token)
    const base64 = pem.replace(/-----[^-]+-----|\s/g, '')
    const head = { ...headerOf(admin.token), alg: 'HS256' }
    for (const secret of [pem, pem.trim(), base64, Buffer.from(base64, 'base64')])
      expect(await callAll(signHs256(head, claims(), secret))).toEqual(allRefused())
  })

  it.each(['RS384', 'RS512', 'PS256', 'ES256', 'HS256', 'EdDSA'])(
    'a valid RS256 signature is refused if alg says %s',
    async (alg) => expect(await callAll(forged({}, { alg }))).toEqual(allRefused()),
  )

  it.each<[string, unknown]>([
    ['a path', '../../../../../../dev/null'],
    ['a URL', 'http://127.0.0.1/keys'],
    ['SQL', "x' UNION SELECT 'key"],
    ['the name of a property', '__proto__'],
    ['the name of a method', 'constructor'],
    ['an array', ['a']],
    ['an object', { toString: 'x' }],
    ['a number', 0],
    ['undefined', undefined],
    ['an empty string', ''],
    ['5,000 characters long', 'k'.repeat(5_000)],
  ])('a token whose kid is %s is refused', async (_name, kid) => {
    expect(await callAll(signRs256({ ...header(), kid }, claims(), foreignKey.privateKey))).toEqual(allRefused())
  })

  it('a key that the token contains or links to is not used, and the link is not requested', async () => {
    const headers = [
      { kid: 'mine', jku: foreignUrl() },
      { kid: 'mine', x5u: foreignUrl() },
      { kid: 'mine', jwk },
      { jwk },
      { jku: foreignUrl() },
      { kid: 'mine', x5c: [foreignKey.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] },
    ]
    for (const extra of headers)
      expect(await callAll(signRs256({ ...header(), ...extra }, claims(), foreignKey.privateKey))).toEqual(allRefused())
    expect(foreignRequests).toBe(0)
  })

  it('a token whose claims were changed after it was signed is refused', async () => {
    const [head, , signature] = admin.token.split('.')
    const body = withSignature({}, claims({ sub: crypto.randomUUID() })).split('.')[1]
    expect(await callAll(`${head}.${body}.${signature}`)).toEqual(allRefused())
  })
})

describe('Valid tokens for another purpose', () => {
  it('tokens of another realm or client, ID tokens and refresh tokens are refused', async () => {
    await system.realm.ensureClient('no-audience', {})
    const other = await signIn(admin.username, admin.password, 'no-audience', system.realm.name)
    const tokens = {
      'another realm, same roles': (await signedInAs('admin')).token,
      'the realm of Keycloak’s administrators': await masterToken(),
      'another client': other.token,
      'ID token': admin.idToken,
      'refresh token': admin.refreshToken,
    }
    for (const [kind, token] of Object.entries(tokens))
      expect([kind, await callAll(token)]).toEqual([kind, allRefused()])
  })

  it('a token in the query string is ignored', async () => {
    for (const { base, path } of targets()) {
      const { status } = await system.as(undefined, base).get(`${path}?access_token=${admin.token}`)
      expect(status).toBe(401)
    }
  })
})

it('tokens of a disabled user are refused by the gateway and at the own port of every service within 5 s', async () => {
  const leaver = await system.signInNewUser('admin', 'user')
  expect((await system.as(leaver.token).get('/v1/users/me')).status).toBe(200)
  expect(statusesOf(await callAll(leaver.token))).toEqual(validStatuses)
  const disabled = await system.as(admin.token).patch(`/v1/users/${leaver.id}`, { enabled: false })
  expect(disabled.status).toBe(200)
  await eventually(async () => expect(await callAll(leaver.token)).toEqual(allRefused()), {
    timeoutMs: 5_000,
    everyMs: 100,
  })
}, 30_000)

it('after the realm removes a key, new tokens of it are refused within seconds and known ones within 35 s', async () => {
  const knownToken = forged({ jti: 'known' })
  expect(statusesOf(await callAll(knownToken))).toEqual(validStatuses)
  await key.remove()
  const foreignKey = newKey()
  let count = 0
  await eventually(
    async () => {
      // A token with an unknown kid makes gateway and services read the realm's keys again, at most every 5 s.
      count += 1
      await callAll(signRs256({ ...header(), kid: `unknown-${count}` }, claims(), foreignKey.privateKey))
      expect(await callAll(forged({ jti: `new-${count}` }))).toEqual(allRefused())
    },
    { timeoutMs: 15_000, everyMs: 1_000 },
  )
  await eventually(async () => expect(await callAll(knownToken)).toEqual(allRefused()), {
    timeoutMs: 35_000,
    everyMs: 1_000,
  })
  expect(statusesOf(await callAll(admin.token))).toEqual(validStatuses)
}, 60_000)

it('logs and error responses contain no tokens or signatures', () => {
  const { logLines, errorResponses, ...found } = system.findLeaks()
  expect(logLines).toBeGreaterThan(100)
  expect(errorResponses).toBeGreaterThan(100)
  expect(found).toEqual({ inLogs: [], inErrorResponses: [] })
})
