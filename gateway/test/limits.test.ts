import type { ServerResponse } from 'node:http'
import { createSignedInUser, signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { createRateLimits } from '../src/access/rate-limit.ts'
import { networksOf } from '../src/request/client-address.ts'
import { startGateway, type TestGateway } from './gateway.ts'

describe('Rate limits', () => {
  let gateway: TestGateway
  afterEach(() => gateway?.stop())

  it('a user beyond the limit gets 429 with Retry-After, and other users do not', async () => {
    gateway = await startGateway({ rateLimitUser: 3 })
    const [user, other] = await Promise.all([signedInAs('user'), createSignedInUser(['user'])])
    const headers = []
    for (let index = 0; index < 3; index += 1)
      headers.push((await gateway.as(user.token).get('/v1/customers')).headers.get('ratelimit'))
    expect(headers.map((header) => /^"user";r=(\d+);t=\d+$/.exec(header ?? '')?.[1])).toEqual(['2', '1', '0'])
    const refused = await gateway.as(user.token).get('/v1/customers')
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

  it('sign-in attempts per address have a stricter limit than other requests', async () => {
    gateway = await startGateway({ rateLimitAuth: 2 })
    const statuses = []
    for (let index = 0; index < 3; index += 1) statuses.push((await gateway.as().post('/v1/auth/login', {})).status)
    expect(statuses).toEqual([200, 200, 429])
    expect((await gateway.as().get('/v1/auth/config')).status).toBe(200)
  })

  it('150 people behind one address can refresh and sign out, and do not use up its sign-ins', async () => {
    gateway = await startGateway({ rateLimitAuth: 2, rateLimitRefresh: 300 })
    const post = async (path: string) => (await gateway.as().post(path, {})).status
    const statuses = []
    for (let person = 0; person < 150; person += 1)
      statuses.push(await post('/v1/auth/refresh'), await post('/v1/auth/logout'))
    expect(statuses).not.toContain(429)
    expect([await post('/v1/auth/refresh'), await post('/v1/auth/logout')]).toEqual([429, 429])
    expect([await post('/v1/auth/login'), await post('/v1/auth/login')]).toEqual([200, 200])
    expect([await post('/v1/auth/login'), await post('/v1/auth/password-reset')]).toEqual([429, 429])
  }, 30_000)

  it('requests are counted by address before tokens are verified, and X-Forwarded-For is not trusted', async () => {
    gateway = await startGateway({ rateLimitAddress: 4 })
    const before = (await gateway.as().get('/')).headers.get('ratelimit')
    expect(before).toMatch(/^"address";r=3/)
    const statuses = []
    for (let index = 0; index < 4; index += 1)
      statuses.push(
        (await gateway.as('a.b.c').get('/v1/customers', { 'x-forwarded-for': `198.51.100.${index}` })).status,
      )
    expect(statuses).toEqual([401, 401, 401, 429])
    expect((await gateway.as().get('/health/live')).status).toBe(200)
  })

  it('clients behind a trusted proxy are counted separately, and an IPv6 /64 network counts as one client', async () => {
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

describe('The memory of rate limits', () => {
  const points = 2
  const limitsOf = (maxKeys: number) =>
    createRateLimits(
      {
        rateLimitWindowSeconds: 60,
        rateLimitAddress: points,
        rateLimitUser: points,
        rateLimitAuth: points,
        rateLimitRefresh: points,
      },
      maxKeys,
    )
  const rateLimited = expect.objectContaining({ code: 'rate_limited' })

  it('a flood of addresses takes no request from newcomers, and a client in use keeps its count', () => {
    const { auth } = limitsOf(5)
    auth.consume('guesser', {})
    for (let index = 0; index < 100; index += 1) {
      auth.consume(`flood-${index}`, {})
      if (index % 4 > 0) continue
      if (index === 0) auth.consume('guesser', {})
      else expect(() => auth.consume('guesser', {})).toThrow(rateLimited)
    }
    for (let index = 0; index < 45; index += 1) expect(() => auth.consume(`person-${index}`, {})).not.toThrow()
  })

  it.each([
    ['/64', 1, (index: number) => `2001:db8::${index + 1}`],
    ['/56', 2, (index: number) => `2001:db8:0:${index.toString(16)}::1`],
    ['/48', 8, (index: number) => `2001:db8:0:${(index * 256).toString(16)}::1`],
  ])('all addresses of an IPv6 %s together get %i times the limit of one address', (size, factor, addressOf) => {
    const { auth } = limitsOf(1_000)
    const attempt = (index: number) => auth.consume(networksOf(addressOf(index)), {})
    for (let index = 0; index < factor * points; index += 1) attempt(index)
    expect(() => attempt(factor * points)).toThrow(rateLimited)
    expect(() => auth.consume(networksOf('2001:db8:1::1'), {})).not.toThrow()
    expect(networksOf(addressOf(0)).map((network) => network.slice(network.indexOf('/')))).toContain(size)
  })

  it('requests that a /64 may not make do not count for its neighbours', () => {
    const { auth } = limitsOf(1_000)
    for (let index = 0; index < 100; index += 1)
      try {
        auth.consume(networksOf('2001:db8::1'), {})
      } catch {}
    expect(() => auth.consume(networksOf('2001:db8:0:1::1'), {})).not.toThrow()
  })
})

describe('The limit of concurrent requests', () => {
  let gateway: TestGateway
  afterEach(() => gateway?.stop())

  it('further requests of a client wait, then get 429; other clients are served', async () => {
    gateway = await startGateway({ maxInFlightPerClient: 2, upstreamQueueMs: 300 })
    const [user, other] = await Promise.all([signedInAs('user'), createSignedInUser(['user'])])
    const held: ServerResponse[] = []
    gateway.customers.handler = (_req, res) => void held.push(res)
    const first = [gateway.as(user.token).get('/v1/customers'), gateway.as(user.token).get('/v1/customers')]
    await eventually(() => expect(held.length).toBe(2))
    expect((await gateway.as(user.token).get('/v1/users/me')).status).toBe(429)
    expect((await gateway.as(other.token).get('/v1/users/me')).status).toBe(200)
    for (const res of held) res.end('{}')
    await Promise.all(first)
    await eventually(async () => expect((await gateway.as(user.token).get('/v1/users/me')).status).toBe(200))
  }, 30_000)

  it('a burst of a client is served a few requests at a time, and what exceeds the waiting requests gets 429 at once', async () => {
    gateway = await startGateway({ maxInFlightPerClient: 2, upstreamQueueMs: 20_000 })
    const { token } = await signedInAs('user')
    let inFlight = 0
    let maxInFlight = 0
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    gateway.customers.handler = async (_req, res) => {
      inFlight += 1
      maxInFlight = Math.max(maxInFlight, inFlight)
      await released
      inFlight -= 1
      res.end('{}')
    }
    const statuses: number[] = []
    const burst = Array.from({ length: 14 }, async () => {
      statuses.push((await gateway.as(token).get('/v1/customers')).status)
    })
    await eventually(() => expect(statuses).toEqual([429, 429, 429, 429]))
    release()
    await Promise.all(burst)
    expect(statuses.toSorted()).toEqual([...Array(10).fill(200), ...Array(4).fill(429)])
    expect(maxInFlight).toBe(2)
  }, 30_000)
})

describe('CORS', () => {
  const origin = 'https://crm.example'
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startGateway({ corsOrigins: [origin], frontEndOrigins: ['https://app.example'] })
  }, 60_000)
  afterAll(() => gateway?.stop())

  it('the preflight of an allowed origin succeeds without a token', async () => {
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

  it('the preflight of a front end with browser SDKs for tracing succeeds', async () => {
    const asked = 'tracestate,baggage,sentry-trace,x-requested-with,traceparent'
    const { headers } = await gateway.as().raw('OPTIONS', '/v1/customers', {
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'GET',
        'access-control-request-headers': asked,
      },
    })
    expect(headers.get('access-control-allow-origin')).toBe('https://app.example')
    const allowed = headers.get('access-control-allow-headers')?.toLowerCase().split(',')
    expect(allowed).toEqual(expect.arrayContaining(asked.split(',')))
  })

  it('responses and problems expose the headers that a front end needs', async () => {
    const { token } = await signedInAs('user')
    for (const response of [
      await gateway.as(token).get('/v1/customers', { origin }),
      await gateway.as().get('/v1/customers', { origin }),
    ]) {
      expect(response.headers.get('access-control-allow-origin')).toBe(origin)
      expect(response.headers.get('vary')).toContain('Origin')
      for (const name of [
        'ETag',
        'Location',
        'X-Request-Id',
        'RateLimit',
        'RateLimit-Policy',
        'Idempotency-Replayed',
        'Retry-After',
        'X-Row-Count',
        'Repr-Digest',
        'Content-Range',
      ])
        expect(response.headers.get('access-control-expose-headers')).toContain(name)
    }
  })

  it.each(['https://evil.example', 'https://crm.example.evil.example', 'http://crm.example', 'null'])(
    'the origin %s is not allowed',
    async (other) => {
      const preflight = await gateway
        .as()
        .raw('OPTIONS', '/v1/customers', { headers: { origin: other, 'access-control-request-method': 'GET' } })
      const response = await gateway.as().get('/v1/auth/config', { origin: other })
      expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
      expect(response.headers.get('vary')).toContain('Origin')
    },
  )

  it('an OPTIONS request that is not a preflight is handled like any other method', async () => {
    expect((await gateway.as().raw('OPTIONS', '/v1/customers', { headers: { origin } })).status).toBe(401)
  })
})
