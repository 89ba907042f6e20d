import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Revocation } from '@clientele/contracts/revocation'
import { userSignedOut } from '@clientele/contracts/user'
import { createTokenVerifier } from '@clientele/platform/auth/token-verifier'
import { createApi, ok } from '@clientele/platform/http/api'
import { type Service, startService } from '@clientele/platform/service/service'
import { type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { client } from '@clientele/platform/testing/client'
import { testConfig, testLog } from '@clientele/platform/testing/service'
import { createSignedInUser, type SignedInUser, signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { z } from 'zod'

/** What the internal port of user-service serves: the revocations, in pages of `pageSize`, once it is `available`. */
let revocations: Revocation[] = []
let available = true
const pageSize = 2
let source: Server
let broker: TestBroker
let service: Service | undefined
let ann: SignedInUser
let bob: SignedInUser

beforeAll(async () => {
  source = createServer((req, res) => {
    if (!available) return void res.writeHead(503).end()
    const start = Number(new URL(req.url ?? '', 'http://internal').searchParams.get('after') ?? 0)
    const next = start + pageSize
    const page = { data: revocations.slice(start, next), ...(next < revocations.length && { next: String(next) }) }
    res.setHeader('content-type', 'application/json').end(JSON.stringify(page))
  }).listen(0, '127.0.0.1')
  broker = await testBroker()
  ann = await createSignedInUser(['user'])
  bob = await createSignedInUser(['user'])
}, 60_000)
beforeEach(() => {
  revocations = []
  available = true
})
afterEach(() => service?.stop())
afterAll(async () => {
  source?.close()
  source?.closeAllConnections()
  await broker?.close()
})

const start = async (change: { revocationPollMs?: number; rabbitmqUrl?: string } = {}) => {
  const config = {
    ...testConfig({ rabbitmqUrl: broker.url }),
    userServiceInternalUrl: `http://127.0.0.1:${(source.address() as AddressInfo).port}`,
    revocationPollMs: 60_000,
    ...change,
  }
  const log = testLog()
  const verifier = createTokenVerifier(config)
  const api = createApi({ service: 'test', title: 'Test', verifier, log, config })
  api.operation(
    {
      method: 'get',
      path: '/v1/things',
      operationId: 'getThings',
      summary: 'Get things',
      tag: 'Test',
      roles: ['user'],
      responses: { 200: z.object({ fine: z.boolean() }) },
    },
    async () => ok({ fine: true }),
  )
  service = await startService({ name: 'test-service', config, log, verifier, app: api.app() })
  const { url, internalUrl } = service
  return {
    statusOf: async ({ token }: SignedInUser) => (await client(url, token).get('/v1/things')).status,
    ready: async () => (await client(internalUrl).get('/health/ready')).status,
    consumersReady: service.consumersReady,
  }
}
const now = () => new Date().toISOString()
const signedOut = ({ id, username }: SignedInUser, data: { revocations?: Revocation[] }, time = now()) => ({
  specversion: '1.0',
  id: randomUUID(),
  source: '/user-service',
  type: userSignedOut.type,
  subject: id,
  time,
  datacontenttype: 'application/json',
  data: {
    id,
    username,
    email: null,
    emailVerified: false,
    name: null,
    surname: null,
    displayName: username,
    roles: [],
    enabled: true,
    createdAt: time,
    lastLoginAt: null,
    version: 1,
    actor: { id, displayName: username },
    ...data,
  },
})
const sidOf = ({ token }: SignedInUser): string =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sid
const in5s = { timeoutMs: 5_000, everyMs: 50 }

describe('The revocations of a service', () => {
  it('a service starts without user-service, but is not ready and accepts no token until it has read the revocations', async () => {
    available = false
    const { statusOf, ready } = await start({ revocationPollMs: 200 })
    expect(await ready()).toBe(503)
    expect(await statusOf(ann)).toBe(503)
    available = true
    await eventually(async () => expect(await ready()).toBe(200))
    expect(await statusOf(ann)).toBe(200)
    available = false
    expect(await statusOf(ann)).toBe(200)
    expect(await ready()).toBe(200)
  }, 30_000)

  it('a service reads all pages before it accepts a token', async () => {
    const others = Array.from({ length: 4 }, () => ({ userId: randomUUID(), notBefore: now() }))
    revocations = [...others, { userId: ann.id, notBefore: now() }]
    const { statusOf, ready } = await start()
    await eventually(async () => expect(await ready()).toBe(200))
    expect(await statusOf(ann)).toBe(401)
    expect(await statusOf(bob)).toBe(200)
  }, 30_000)

  it('an event refuses what it names: the tokens of a session, and no others of the user', async () => {
    const { statusOf, consumersReady } = await start()
    await consumersReady(20_000)
    await eventually(async () => expect(await statusOf(ann)).toBe(200))
    const other: Revocation = { userId: ann.id, sessionId: randomUUID(), notBefore: now() }
    await broker.publish(signedOut(ann, { revocations: [other] }))
    await broker.publish(signedOut(bob, { revocations: [{ userId: bob.id, sessionId: sidOf(bob), notBefore: now() }] }))
    await eventually(async () => expect(await statusOf(bob)).toBe(401), in5s)
    expect(await statusOf(ann)).toBe(200)
  }, 30_000)

  it('an event cannot revoke tokens of somebody else, nor those of the future', async () => {
    const { statusOf, consumersReady } = await start()
    await consumersReady(20_000)
    await eventually(async () => expect(await statusOf(ann)).toBe(200))
    await broker.publish(signedOut(bob, { revocations: [{ userId: ann.id, notBefore: now() }] }))
    await broker.publish(signedOut(bob, {}, '2099-01-01T00:00:00.000Z'))
    await eventually(async () => expect(await statusOf(bob)).toBe(401), in5s)
    expect(await statusOf(ann)).toBe(200)
    // Clocks may differ by 5 s, so the tokens of the next seconds are refused as well.
    await eventually(
      async () => {
        const { token } = await signIn(bob.username, bob.password)
        expect(await statusOf({ ...bob, token })).toBe(200)
      },
      { timeoutMs: 15_000, everyMs: 1_000 },
    )
  }, 40_000)

  it('a poll finds new revocations while the broker is unavailable', async () => {
    const { statusOf, ready } = await start({ revocationPollMs: 200, rabbitmqUrl: 'amqp://127.0.0.1:1' })
    await eventually(async () => expect(await ready()).toBe(200))
    expect(await statusOf(ann)).toBe(200)
    revocations = [{ userId: ann.id, role: 'user', notBefore: now() }]
    await eventually(async () => expect(await statusOf(ann)).toBe(401), in5s)
    expect(await statusOf(bob)).toBe(200)
  }, 30_000)
})
