import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bearerToken } from '@clientele/platform/auth/token-verifier'
import { testConfig, testVerifier } from '@clientele/platform/testing/service'
import { badTokens, type SignedInUser, signedInAs } from '@clientele/platform/testing/tokens'

const { keycloakUrl, keycloakIssuer, keycloakAudience } = testConfig()
const directVerifier = () => testVerifier({ keycloakUrl, keycloakIssuer, keycloakAudience })

/** The state of a proxy in front of the real Keycloak. */
let proxyState: 'up' | 'error' | 'html' | 'hanging' = 'up'
let keyRequests = 0
let server: Server
let proxyUrl = ''
let admin: SignedInUser
beforeAll(async () => {
  server = createServer(async (req, res) => {
    keyRequests += 1
    if (proxyState === 'hanging') return
    if (proxyState === 'error') return void res.writeHead(500).end()
    if (proxyState === 'html') return void res.writeHead(200, { 'content-type': 'text/html' }).end('<html>')
    const response = await fetch(`${keycloakUrl}${req.url}`)
    res.writeHead(response.status, { 'content-type': 'application/json' }).end(await response.text())
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  proxyUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  admin = await signedInAs('admin')
})
beforeEach(() => {
  proxyState = 'up'
  keyRequests = 0
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
const proxiedVerifier = () => testVerifier({ keycloakUrl: proxyUrl, keycloakIssuer, keycloakAudience })

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const parts = (token: string) => token.split('.').map((part) => Buffer.from(part, 'base64url').toString())
const claims = () => JSON.parse(parts(admin.token)[1] ?? '') as Record<string, unknown>
const header = () => JSON.parse(parts(admin.token)[0] ?? '') as Record<string, unknown>
const outcomeOf = (token: string) =>
  directVerifier()
    .verify(token)
    .then(
      () => 'accepted',
      (error: { code: string }) => error.code,
    )

describe('Token verifier', () => {
  it('verify accepts a token of Keycloak and returns its actor', async () => {
    const { actor, expiresAt, issuedAt } = await directVerifier().verify(admin.token)
    expect(actor).toMatchObject({ id: admin.id, roles: expect.arrayContaining(['admin', 'user']) })
    expect(expiresAt).toBeGreaterThan(issuedAt)
  })

  it('verify refuses expired tokens, tokens of other issuers and tokens of other types', async () => {
    for (const [kind, token] of Object.entries(await badTokens()))
      expect([kind, await outcomeOf(token)]).toEqual([kind, 'invalid_token'])
  })

  it('verify refuses tokens with alg none, HS256 with the public key, a key of the attacker or changed claims', async () => {
    const { keys } = (await (await fetch(`${keycloakIssuer}/protocol/openid-connect/certs`)).json()) as {
      keys: { kid: string }[]
    }
    const jwk = keys.find(({ kid }) => kid === header()['kid'])
    const pem = createPublicKey({ key: jwk as never, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
    const body = encode({ ...claims(), exp: Date.now() / 1000 + 9_999 })
    const hs = `${encode({ ...header(), alg: 'HS256' })}.${body}`
    const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const rs = `${encode(header())}.${body}`
    const forged = {
      none: `${encode({ alg: 'none', typ: 'JWT' })}.${body}.AA`,
      hs256: `${hs}.${createHmac('sha256', pem).update(hs).digest('base64url')}`,
      ownKey: `${rs}.${sign('RSA-SHA256', Buffer.from(rs), own.privateKey).toString('base64url')}`,
      ownKeyId: `${encode({ ...header(), kid: 'mine', jku: 'http://127.0.0.1/keys' })}.${body}.${admin.token.split('.')[2]}`,
      changed: `${admin.token.split('.')[0]}.${encode({ ...claims(), realm_access: { roles: ['admin'] }, sub: 'x' })}.${admin.token.split('.')[2]}`,
    }
    for (const [kind, token] of Object.entries(forged))
      expect([kind, await outcomeOf(token)]).toEqual([kind, 'invalid_token'])
  })

  it('concurrent first requests fetch the signing keys once', async () => {
    const verifier = proxiedVerifier()
    await Promise.all(Array.from({ length: 20 }, () => verifier.verify(admin.token)))
    expect(keyRequests).toBe(1)
  })

  it.each(['error', 'html', 'hanging'] as const)(
    'verify throws 503, not 401, while Keycloak is unavailable (%s), and recovers',
    async (state) => {
      const verifier = proxiedVerifier()
      proxyState = state
      await expect(verifier.verify(admin.token)).rejects.toMatchObject({ status: 503, code: 'unavailable' })
      proxyState = 'up'
      await verifier.warmUp()
      await expect(verifier.verify(admin.token)).resolves.toMatchObject({ actor: { id: admin.id } })
    },
  )

  it('verify accepts tokens with cached keys while Keycloak is unavailable', async () => {
    const verifier = proxiedVerifier()
    await verifier.warmUp()
    proxyState = 'error'
    await expect(verifier.verify(admin.token)).resolves.toBeDefined()
  })
})

it.each([undefined, '', 'Basic abc', 'Token a.b.c', 'Bearer', 'Bearer a b', `Bearer ${'a'.repeat(9_000)}.b.c`])(
  'bearerToken throws 401 for the header %p',
  (value) => {
    expect(() => bearerToken(value)).toThrow(expect.objectContaining({ status: 401 }))
  },
)
