import { signedInAs } from '@clientele/platform/testing/tokens'
import { startGateway, type TestGateway } from './gateway.ts'
import { send, sendRaw, statuses } from './raw-http.ts'

describe('Requests that gateway and service could interpret differently', () => {
  let gateway: TestGateway
  let token: string
  beforeAll(async () => {
    gateway = await startGateway({ allowedHosts: ['shop.example'] })
    token = (await signedInAs('user')).token
  }, 60_000)
  afterAll(() => gateway?.stop())
  beforeEach(() => {
    gateway.customers.requests.length = 0
  })

  const head = (line: string, ...headers: string[]) =>
    `${[line, 'Host: gateway.example', `Authorization: Bearer ${token}`, ...headers].join('\r\n')}\r\n\r\n`

  it.each([
    ['an absolute-form target', 'GET http://evil.example/v1/customers HTTP/1.1'],
    ['an asterisk-form target', 'OPTIONS * HTTP/1.1'],
    ['dot segments', 'GET /v1/customers/../users/me HTTP/1.1'],
    ['encoded dot segments', 'GET /v1/customers/%2e%2E/users HTTP/1.1'],
    ['an encoded slash', 'GET /v1/customers/a%2Fb HTTP/1.1'],
    ['an encoded backslash', 'GET /v1/customers/a%5Cb HTTP/1.1'],
    ['a backslash', 'GET /v1/customers\\..\\users HTTP/1.1'],
    ['double slashes', 'GET //v1/customers HTTP/1.1'],
    ['an empty segment', 'GET /v1//customers HTTP/1.1'],
    ['a NUL character', 'GET /v1/customers/%00 HTTP/1.1'],
    ['an encoded line break', 'GET /v1/customers/a%0d%0aX: HTTP/1.1'],
    ['broken percent-encoding', 'GET /v1/customers/%zz HTTP/1.1'],
    ['invalid UTF-8', 'GET /v1/customers/%ff HTTP/1.1'],
    ['sendRaw bytes', 'GET /v1/customers/\xff HTTP/1.1'],
    ['a fragment', 'GET /v1/customers#x HTTP/1.1'],
    ['a fragment in the query', 'GET /v1/customers?q=a#x HTTP/1.1'],
    ['a space in the path', 'GET /v1/cust omers HTTP/1.1'],
    ['a target that Express cannot parse', 'GET http://[/v1/customers HTTP/1.1'],
    ['an authority that Express cannot parse', 'GET //%ff@x/v1/customers#y HTTP/1.1'],
  ])('a request with %s gets 400 and is not forwarded', async (_name, line) => {
    expect(statuses(await sendRaw(gateway.url, head(line, 'Connection: close')))).toEqual([400])
    expect(gateway.customers.requests).toEqual([])
  })

  it.each([
    [
      'Content-Length and Transfer-Encoding',
      ['Content-Length: 5', 'Transfer-Encoding: chunked'],
      '0\r\n\r\nGET /v1/customers HTTP/1.1\r\n\r\n',
    ],
    ['two Content-Lengths', ['Content-Length: 2', 'Content-Length: 20'], '{}'],
    ['a Content-Length list', ['Content-Length: 2, 20'], '{}'],
    ['a signed Content-Length', ['Content-Length: +2'], '{}'],
    ['an unknown Transfer-Encoding', ['Transfer-Encoding: xchunked'], '0\r\n\r\n'],
    ['a Transfer-Encoding in which chunked is not last', ['Transfer-Encoding: chunked, identity'], '0\r\n\r\n'],
    ['a space before the colon', ['Transfer-Encoding : chunked'], '0\r\n\r\n'],
    ['a folded header', ['X-A: 1\r\n continued'], ''],
    ['a bare line feed in a header', ['X-A: 1\nTransfer-Encoding: chunked'], ''],
    ['a broken chunk size', ['Transfer-Encoding: chunked'], '5;\n\rhello\r\n0\r\n\r\n'],
  ])('no request that is smuggled behind %s is forwarded', async (_name, headers, body) => {
    const received = await sendRaw(gateway.url, `${head('POST /v1/customers HTTP/1.1', ...headers)}${body}`, 1_000)
    expect(statuses(received).every((status) => status >= 400)).toBe(true)
    expect(gateway.customers.requests.filter(({ method, complete }) => method === 'GET' || complete)).toEqual([])
  })

  it.each([
    ['of this installation', 'gateway.example', 200],
    ['of this installation, with a port and capitals', 'Gateway.Example:443', 200],
    ['that operators added', 'shop.example', 200],
    ['of this machine', 'localhost:8000', 200],
    ['that is an IPv4 address', '10.0.0.7:8000', 200],
    ['that is an IPv6 address', '[::1]:8000', 200],
    ['of somebody else', 'evil.example', 421],
    ['that begins like that of this installation', 'gateway.example.evil.example', 421],
    ['that ends with an allowed name', 'evil-shop.example', 421],
    ['that is empty', '', 421],
  ])('a request with a host %s gets its status', async (_name, host, status) => {
    const get = `GET /v1/auth/config HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
    const received = await sendRaw(gateway.url, get)
    expect(statuses(received)).toEqual([status])
    if (status === 421) expect(received).toContain('"code":"misdirected"')
  })

  it('a request without a Host header gets 400, and one with an unknown expectation 417, both with a problem', async () => {
    const withoutHost = await sendRaw(gateway.url, 'GET /v1/customers HTTP/1.1\r\nConnection: close\r\n\r\n')
    expect(withoutHost).toMatch(
      /^HTTP\/1\.1 400 [\s\S]*application\/problem\+json[\s\S]*"detail":"the Host header is missing"/,
    )
    const expecting = head('POST /v1/customers HTTP/1.1', 'Expect: a miracle', 'Content-Length: 0', 'Connection: close')
    expect(await sendRaw(gateway.url, expecting)).toMatch(
      /^HTTP\/1\.1 417 [\s\S]*application\/problem\+json[\s\S]*"code":"expectation_failed"/,
    )
    expect(gateway.customers.requests).toEqual([])
  })

  it('a request with two Host headers gets 400', async () => {
    const received = await sendRaw(
      gateway.url,
      head('GET /v1/customers HTTP/1.1', 'Host: other.example', 'Connection: close'),
    )
    expect(statuses(received)).toEqual([400])
  })

  it('a request with two Authorization headers gets 400 and is not forwarded', async () => {
    const second = `authorization: Bearer ${token}`
    const received = await sendRaw(gateway.url, head('GET /v1/customers HTTP/1.1', second, 'Connection: close'))
    expect(statuses(received)).toEqual([400])
    expect(received).toContain('the authorization header is repeated')
    expect(gateway.customers.requests).toEqual([])
  })

  it('a request without a Host header gets 400, one with too large headers 431', async () => {
    expect(statuses(await sendRaw(gateway.url, 'GET /v1/customers HTTP/1.1\r\nConnection: close\r\n\r\n'))).toEqual([
      400,
    ])
    expect(statuses(await sendRaw(gateway.url, head('GET / HTTP/1.1', `X-A: ${'a'.repeat(40_000)}`)))).toEqual([431])
  })

  it('CONNECT and protocol upgrades are rejected', async () => {
    expect(statuses(await sendRaw(gateway.url, head('CONNECT 127.0.0.1:22 HTTP/1.1'), 1_000))).not.toContain(200)
    const upgrade = await sendRaw(
      gateway.url,
      head('GET /v1/customers HTTP/1.1', 'Upgrade: websocket', 'Connection: Upgrade'),
      1_000,
    )
    expect(statuses(upgrade)).not.toContain(101)
  })

  it('pipelined requests get their responses in order', async () => {
    const first = head('GET /v1/customers/1 HTTP/1.1')
    const received = await sendRaw(gateway.url, `${first}${head('GET /v1/customers/2 HTTP/1.1', 'Connection: close')}`)
    expect(statuses(received)).toEqual([200, 200])
    expect(received.indexOf('/v1/customers/1')).toBeLessThan(received.indexOf('/v1/customers/2'))
  })

  it('percent-encoded keys are forwarded unchanged', async () => {
    const { text } = await send(`${gateway.url}/v1/customers/ana%40example.com?idBy=email&q=%25%27%00`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(JSON.parse(text).url).toBe('/v1/customers/ana%40example.com?idBy=email&q=%25%27%00')
  })

  it('a refused request with Connection: close closes the connection at once', async () => {
    const from = performance.now()
    await sendRaw(gateway.url, head('GET /v1/customers/a%2Fb HTTP/1.1', 'Connection: close'))
    expect(performance.now() - from).toBeLessThan(1_000)
  })
})
