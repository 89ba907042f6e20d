import { signedInAs } from '@clientele/platform/testing/tokens'
import { startGateway, type TestGateway } from './gateway.ts'
import { send } from './raw-http.ts'

describe('Forwarded headers', () => {
  let gateway: TestGateway
  let authorization: string
  beforeAll(async () => {
    gateway = await startGateway()
    authorization = `Bearer ${(await signedInAs('user')).token}`
  }, 60_000)
  afterAll(() => gateway?.stop())

  const seenBy = async (headers: Record<string, string>): Promise<Record<string, string>> => {
    const { status, text } = await send(`${gateway.url}/v1/customers`, { headers: { authorization, ...headers } })
    expect(status).toBe(200)
    return JSON.parse(text).headers
  }

  it('headers that assert an identity, an address or another method or path are dropped', async () => {
    const forged = {
      'x-user-id': 'root',
      'x-user-roles': 'admin',
      'X-Forwarded-User': 'root',
      x_user_id: 'root',
      'x-auth-request-user': 'root',
      'remote-user': 'root',
      'x-real-ip': '6.6.6.6',
      forwarded: 'for=6.6.6.6',
      'x-original-url': '/v1/users',
      'x-http-method-override': 'DELETE',
      cookie: 'session=1',
      via: '1.1 elsewhere',
    }
    const seen = await seenBy(forged)
    expect(Object.keys(forged).filter((name) => seen[name.toLowerCase()] !== undefined)).toEqual([])
  })

  it('the service learns after what time the gateway gives up, whatever the client sends', async () => {
    const seen = await seenBy({ 'x-clientele-timeout-ms': '1' })
    expect(seen['x-clientele-timeout-ms']).toBe(String(gateway.config.upstreamTimeoutMs))
  })

  it('hop-by-hop headers and those listed in Connection are dropped', async () => {
    const seen = await seenBy({
      connection: 'keep-alive, X-Secret-Hop',
      'x-secret-hop': '1',
      te: 'trailers',
      'proxy-authorization': 'x',
      upgrade: 'h2c',
    })
    expect(seen['x-secret-hop'] ?? seen['te'] ?? seen['proxy-authorization'] ?? seen['upgrade']).toBeUndefined()
  })

  it('a Connection header cannot remove the token, the request id or the trace', async () => {
    const seen = await seenBy({
      connection: 'authorization, x-request-id, traceparent, x-forwarded-for',
      'x-request-id': 'mine',
    })
    expect(seen).toMatchObject({ authorization, 'x-request-id': 'mine', 'x-forwarded-for': '127.0.0.1' })
  })

  it('Host names the service and X-Forwarded-* the public address, whatever the client sends', async () => {
    const seen = await seenBy({
      host: 'localhost:1',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '6.6.6.6',
    })
    expect(seen).toMatchObject({
      host: new URL(gateway.customers.url).host,
      'x-forwarded-host': 'gateway.example',
      'x-forwarded-proto': 'http',
      'x-forwarded-for': '127.0.0.1',
    })
  })

  it('headers that the API uses are forwarded', async () => {
    const kept = {
      'idempotency-key': 'k1',
      'if-match': '"1.x"',
      accept: 'application/json',
      'accept-language': 'en',
      range: 'bytes=0-1',
    }
    expect(await seenBy(kept)).toMatchObject(kept)
  })

  it('a token is not forwarded to a public route', async () => {
    const { text } = await send(`${gateway.url}/v1/auth/config`, { headers: { authorization: 'Bearer a.b.c' } })
    expect(JSON.parse(text).headers.authorization).toBeUndefined()
  })

  it('a well-formed X-Request-Id is kept, and any other is replaced by a UUIDv7', async () => {
    const kept = await send(`${gateway.url}/v1/auth/config`, { headers: { 'x-request-id': 'web-17' } })
    const replaced = await send(`${gateway.url}/v1/auth/config`, { headers: { 'x-request-id': '<script>' } })
    expect(kept.headers['x-request-id']).toBe('web-17')
    expect(replaced.headers['x-request-id']).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    expect(JSON.parse(replaced.text).headers['x-request-id']).toBe(replaced.headers['x-request-id'])
  })

  it('a valid traceparent is forwarded, and a missing or invalid one is replaced', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    expect(await seenBy({ traceparent })).toMatchObject({ traceparent })
    const { traceparent: made } = await seenBy({ traceparent: 'nonsense' })
    expect(made).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-01$/)
  })

  it('headers that reveal internals of a service are removed from its response, and security headers are added', async () => {
    gateway.customers.handler = (_req, res) => {
      res.writeHead(200, {
        server: 'inner',
        'x-powered-by': 'inner',
        'set-cookie': 'a=b',
        'access-control-allow-origin': '*',
        connection: 'x-hop',
        'x-hop': '1',
        etag: '"1.a"',
        vary: 'Accept',
      })
      res.end('{}')
    }
    const { headers } = await send(`${gateway.url}/v1/customers`, { headers: { authorization } })
    expect(headers).toMatchObject({
      etag: '"1.a"',
      vary: 'Accept, Accept-Encoding, Origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    for (const name of ['server', 'x-powered-by', 'set-cookie', 'access-control-allow-origin', 'x-hop'])
      expect(headers[name]).toBeUndefined()
  })
})

describe('The client address behind trusted proxies', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startGateway({ trustedProxies: 2 })
  }, 60_000)
  afterAll(() => gateway?.stop())

  it.each([
    ['6.6.6.6, 198.51.100.7, 10.0.0.1', '198.51.100.7'],
    ['198.51.100.7, 10.0.0.1', '198.51.100.7'],
    ['10.0.0.1', '10.0.0.1'],
    ['198.51.100.7, nonsense', '127.0.0.1'],
    ['nonsense, [2001:db8::1]:443', '2001:db8::1'],
  ])('X-Forwarded-For %s behind two trusted proxies means the client address is %s', async (header, address) => {
    const { text } = await send(`${gateway.url}/v1/auth/config`, { headers: { 'x-forwarded-for': header } })
    expect(JSON.parse(text).headers['x-forwarded-for']).toBe(address)
  })
})
