import type { ServerResponse } from 'node:http'
import { newPerson, tokenFor } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { createRateLimits } from '../src/access/rate-limit.ts'
import { startGateway, type TestGateway } from './gateway.ts'

describe('rate limits', () => {
  let gateway: TestGateway
  afterEach(() => gateway?.stop())

  it('answers 429 with Retry-After to a user beyond the limit, and only to that one', async () => {
    gateway = await startGateway({ rateLimitUser: 3 })
    const [one, other] = await Promise.all([tokenFor('user'), newPerson(['user'])])
    const headers = []
    for (let index = 0; index < 3; index += 1)
      headers.push((await gateway.as(one.token).get('/v1/customers')).headers.get('ratelimit'))
    expect(headers.map((header) => /^"user";r=(\d+);t=\d+$/.exec(header ?? '')?.[1])).toEqual(['2', '1', '0'])
    const refused = await gateway.as(one.token).get('/v1/customers')
    expect({
      status: refused.status,
      code: refused.body.code,
      policy: refused.headers.get('ratelimit-policy'),
    }).toEqual({
      status: 429,
      code: 'rate_limited',
      policy: '"user";q=3;w=60',
    })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50)
    expect((await gateway.as(other.token).get('/v1/customers')).status).toBe(200)
  }, 30_000)

  it('limits attempts to sign in by address more strictly than other calls', async () => {
    gateway = await startGateway({ rateLimitAuth: 2 })
    const attempts = []
    for (let index = 0; index < 3; index += 1) attempts.push((await gateway.as().post('/v1/auth/login', {})).status)
    expect(attempts).toEqual([200, 200, 429])
    expect((await gateway.as().get('/v1/auth/config')).status).toBe(200)
  })

  it('counts an address before it looks at tokens, and does not believe X-Forwarded-For', async () => {
    gateway = await startGateway({ rateLimitAddress: 4 })
    const before = (await gateway.as().get('/')).headers.get('ratelimit')
    expect(before).toMatch(/^"address";r=3/)
    const answers = []
    for (let index = 0; index < 4; index += 1)
      answers.push(
        (await gateway.as('a.b.c').get('/v1/customers', { 'x-forwarded-for': `198.51.100.${index}` })).status,
      )
    expect(answers).toEqual([401, 401, 401, 429])
    expect((await gateway.as().get('/health/live')).status).toBe(200)
  })

  it('counts each client behind a trusted proxy on its own, an IPv6 network as one', async () => {
    gateway = await startGateway({ rateLimitAuth: 1, trustedProxies: 1 })
    const from = async (address: string) =>
      (await gateway.as().post('/v1/auth/login', {}, { 'x-forwarded-for': address })).status
    expect([await from('198.51.100.1'), await from('198.51.100.2'), await from('198.51.100.1')]).toEqual([
      200, 200, 429,
    ])
    expect([await from('2001:db8::1'), await from('2001:db8:0:0:ffff::2'), await from('2001:db8:0:1::1')]).toEqual([
      200, 429, 200,
    ])
  })
})

describe('the memory of rate limits', () => {
  it('is bounded: keys beyond 50,000 in a window share one count, known keys keep theirs', () => {
    const { address } = createRateLimits({
      rateLimitWindowSeconds: 60,
      rateLimitAddress: 2,
      rateLimitUser: 2,
      rateLimitAuth: 2,
    })
    const count = (key: string) => {
      const headers = {}
      address.consume(key, headers)
      return headers
    }
    for (let index = 0; index < 50_000; index += 1) count(`known-${index}`)
    count('further-1')
    count('further-2')
    expect(() => count('further-3')).toThrow(expect.objectContaining({ code: 'rate_limited' }))
    expect(count('known-0')).toMatchObject({ 'ratelimit-policy': '"address";q=2;w=60' })
  })
})

describe('requests at a time', () => {
  let gateway: TestGateway
  afterEach(() => gateway?.stop())

  it('answers 429 to a client that has too many under way, not to another, and again 200 when they are done', async () => {
    gateway = await startGateway({ maxInFlightPerClient: 2 })
    const [one, other] = await Promise.all([tokenFor('user'), newPerson(['user'])])
    const held: ServerResponse[] = []
    gateway.customers.handler = (_req, res) => void held.push(res)
    const first = [gateway.as(one.token).get('/v1/customers'), gateway.as(one.token).get('/v1/customers')]
    await eventually(() => expect(held.length).toBe(2))
    expect((await gateway.as(one.token).get('/v1/users/me')).status).toBe(429)
    expect((await gateway.as(other.token).get('/v1/users/me')).status).toBe(200)
    for (const res of held) res.end('{}')
    await Promise.all(first)
    await eventually(async () => expect((await gateway.as(one.token).get('/v1/users/me')).status).toBe(200))
  }, 30_000)
})

describe('CORS (S1-02)', () => {
  const origin = 'https://crm.example'
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startGateway({ corsOrigins: [origin] })
  }, 60_000)
  afterAll(() => gateway?.stop())

  it('answers the preflight of an allowed origin without a token', async () => {
    const { status, headers } = await gateway.as().raw('OPTIONS', '/v1/customers', {
      headers: {
        origin,
        'access-control-request-method': 'PATCH',
        'access-control-request-headers': 'authorization,idempotency-key',
      },
    })
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe(origin)
    expect(headers.get('access-control-allow-methods')).toContain('PATCH')
    expect(headers.get('access-control-allow-headers')).toMatch(/Authorization.*Idempotency-Key/)
    expect(headers.get('access-control-allow-credentials')).toBeNull()
  })

  it('exposes what a front end needs, on answers and on problems', async () => {
    const { token } = await tokenFor('user')
    for (const answer of [
      await gateway.as(token).get('/v1/customers', { origin }),
      await gateway.as().get('/v1/customers', { origin }),
    ]) {
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
      expect(answer.headers.get('vary')).toContain('Origin')
      for (const name of [
        'ETag',
        'Location',
        'X-Request-Id',
        'RateLimit',
        'RateLimit-Policy',
        'Idempotency-Replayed',
        'Retry-After',
      ])
        expect(answer.headers.get('access-control-expose-headers')).toContain(name)
    }
  })

  it.each(['https://evil.example', 'https://crm.example.evil.example', 'http://crm.example', 'null'])(
    'allows nothing to %s',
    async (other) => {
      const preflight = await gateway
        .as()
        .raw('OPTIONS', '/v1/customers', { headers: { origin: other, 'access-control-request-method': 'GET' } })
      const answer = await gateway.as().get('/v1/auth/config', { origin: other })
      expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
      expect(answer.headers.get('vary')).toContain('Origin')
    },
  )

  it('treats an OPTIONS that is no preflight as any other method', async () => {
    expect((await gateway.as().raw('OPTIONS', '/v1/customers', { headers: { origin } })).status).toBe(401)
  })
})
