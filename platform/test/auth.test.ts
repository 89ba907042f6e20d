import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bearerToken, createVerifier } from '@clientele/platform/auth/token-verifier'
import { testConfig } from '@clientele/platform/testing/service'
import { badTokens, type SignedIn, tokenFor } from '@clientele/platform/testing/tokens'

const { keycloakUrl, keycloakIssuer, keycloakAudience } = testConfig()
const direct = () => createVerifier({ keycloakUrl, keycloakIssuer, keycloakAudience })

/** The line to the real Keycloak, which a test can break. */
let line: 'up' | 'error' | 'html' | 'hanging' = 'up'
let calls = 0
let server: Server
let lineUrl = ''
let person: SignedIn
beforeAll(async () => {
  server = createServer(async (req, res) => {
    calls += 1
    if (line === 'hanging') return
    if (line === 'error') return void res.writeHead(500).end()
    if (line === 'html') return void res.writeHead(200, { 'content-type': 'text/html' }).end('<html>')
    const response = await fetch(`${keycloakUrl}${req.url}`)
    res.writeHead(response.status, { 'content-type': 'application/json' }).end(await response.text())
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  lineUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  person = await tokenFor('admin')
})
beforeEach(() => {
  line = 'up'
  calls = 0
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
const overLine = () => createVerifier({ keycloakUrl: lineUrl, keycloakIssuer, keycloakAudience })

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const parts = (token: string) => token.split('.').map((part) => Buffer.from(part, 'base64url').toString())
const claims = () => JSON.parse(parts(person.token)[1] ?? '') as Record<string, unknown>
const header = () => JSON.parse(parts(person.token)[0] ?? '') as Record<string, unknown>
const refusal = (token: string) =>
  direct()
    .verify(token)
    .then(
      () => 'accepted',
      (error: { code: string }) => error.code,
    )

describe('createVerifier (S1-27, S2-01, S4-24)', () => {
  it('accepts a token of Keycloak and tells who it is', async () => {
    const { actor, expiresAt, issuedAt } = await direct().verify(person.token)
    expect(actor).toMatchObject({ id: person.id, roles: expect.arrayContaining(['admin', 'user']) })
    expect(expiresAt).toBeGreaterThan(issuedAt)
  })

  it('refuses expired, foreign and other kinds of tokens', async () => {
    for (const [kind, token] of Object.entries(await badTokens()))
      expect([kind, await refusal(token)]).toEqual([kind, 'invalid_token'])
  })

  it('refuses forged tokens: none, HS256 with the public key, an own key, changed claims', async () => {
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
      ownKeyId: `${encode({ ...header(), kid: 'mine', jku: 'http://127.0.0.1/keys' })}.${body}.${person.token.split('.')[2]}`,
      changed: `${person.token.split('.')[0]}.${encode({ ...claims(), realm_access: { roles: ['admin'] }, sub: 'x' })}.${person.token.split('.')[2]}`,
    }
    for (const [kind, token] of Object.entries(forged))
      expect([kind, await refusal(token)]).toEqual([kind, 'invalid_token'])
  })

  it('reads the keys once for many first requests', async () => {
    const verifier = overLine()
    await Promise.all(Array.from({ length: 20 }, () => verifier.verify(person.token)))
    expect(calls).toBe(1)
  })

  it.each(['error', 'html', 'hanging'] as const)(
    'answers 503, not 401, while Keycloak is away (%s), and recovers',
    async (fault) => {
      const verifier = overLine()
      line = fault
      await expect(verifier.verify(person.token)).rejects.toMatchObject({ status: 503, code: 'unavailable' })
      line = 'up'
      await verifier.warmUp()
      await expect(verifier.verify(person.token)).resolves.toMatchObject({ actor: { id: person.id } })
    },
  )

  it('keeps working with known keys while Keycloak is away', async () => {
    const verifier = overLine()
    await verifier.warmUp()
    line = 'error'
    await expect(verifier.verify(person.token)).resolves.toBeDefined()
  })
})

it.each([undefined, '', 'Basic abc', 'Token a.b.c', 'Bearer', 'Bearer a b', `Bearer ${'a'.repeat(9_000)}.b.c`])(
  'bearerToken refuses %p',
  (value) => {
    expect(() => bearerToken(value)).toThrow(expect.objectContaining({ status: 401 }))
  },
)
