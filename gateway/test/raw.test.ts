import { tokenFor } from '@clientele/platform/testing/tokens'
import { startGateway, type TestGateway } from './gateway.ts'
import { raw, send, statuses } from './wire.ts'

describe('requests that gateway and service could read differently', () => {
  let gateway: TestGateway
  let token: string
  beforeAll(async () => {
    gateway = await startGateway()
    token = (await tokenFor('user')).token
  }, 60_000)
  afterAll(() => gateway?.stop())
  beforeEach(() => {
    gateway.customers.requests.length = 0
  })

  const head = (line: string, ...headers: string[]) =>
    `${[line, 'Host: gateway.example', `Authorization: Bearer ${token}`, ...headers].join('\r\n')}\r\n\r\n`

  it.each([
    ['absolute form', 'GET http://evil.example/v1/customers HTTP/1.1'],
    ['authority form', 'OPTIONS * HTTP/1.1'],
    ['dot segments', 'GET /v1/customers/../users/me HTTP/1.1'],
    ['encoded dot segments', 'GET /v1/customers/%2e%2E/users HTTP/1.1'],
    ['an encoded slash', 'GET /v1/customers/a%2Fb HTTP/1.1'],
    ['an encoded backslash', 'GET /v1/customers/a%5Cb HTTP/1.1'],
    ['a backslash', 'GET /v1/customers\\..\\users HTTP/1.1'],
    ['double slashes', 'GET //v1/customers HTTP/1.1'],
    ['an empty part', 'GET /v1//customers HTTP/1.1'],
    ['NUL', 'GET /v1/customers/%00 HTTP/1.1'],
    ['an encoded line break', 'GET /v1/customers/a%0d%0aX: HTTP/1.1'],
    ['broken percent-encoding', 'GET /v1/customers/%zz HTTP/1.1'],
    ['invalid UTF-8', 'GET /v1/customers/%ff HTTP/1.1'],
    ['raw bytes', 'GET /v1/customers/\xff HTTP/1.1'],
    ['a fragment', 'GET /v1/customers#x HTTP/1.1'],
    ['a fragment in the query', 'GET /v1/customers?q=a#x HTTP/1.1'],
    ['a space in the path', 'GET /v1/cust omers HTTP/1.1'],
    ['a target that Express cannot parse', 'GET http://[/v1/customers HTTP/1.1'],
    ['an authority that Express cannot parse', 'GET //%ff@x/v1/customers#y HTTP/1.1'],
  ])('answers 400 to %s and passes nothing on', async (_what, line) => {
    expect(statuses(await raw(gateway.url, head(line, 'Connection: close')))).toEqual([400])
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
    ['chunked not last', ['Transfer-Encoding: chunked, identity'], '0\r\n\r\n'],
    ['a space before the colon', ['Transfer-Encoding : chunked'], '0\r\n\r\n'],
    ['a folded header', ['X-A: 1\r\n continued'], ''],
    ['a bare line feed in a header', ['X-A: 1\nTransfer-Encoding: chunked'], ''],
    ['a broken chunk size', ['Transfer-Encoding: chunked'], '5;\n\rhello\r\n0\r\n\r\n'],
  ])('never passes a second request on that hides behind %s', async (_what, headers, body) => {
    const received = await raw(gateway.url, `${head('POST /v1/customers HTTP/1.1', ...headers)}${body}`, 1_000)
    expect(statuses(received).every((status) => status >= 400)).toBe(true)
    expect(gateway.customers.requests.filter(({ method, complete }) => method === 'GET' || complete)).toEqual([])
  })

  it('answers 400 to two Host headers', async () => {
    const received = await raw(
      gateway.url,
      head('GET /v1/customers HTTP/1.1', 'Host: other.example', 'Connection: close'),
    )
    expect(statuses(received)).toEqual([400])
  })

  it('answers 400 without a Host header, 431 to headers that are too large', async () => {
    expect(statuses(await raw(gateway.url, 'GET /v1/customers HTTP/1.1\r\nConnection: close\r\n\r\n'))).toEqual([400])
    expect(statuses(await raw(gateway.url, head('GET / HTTP/1.1', `X-A: ${'a'.repeat(40_000)}`)))).toEqual([431])
  })

  it('opens no tunnel and no other protocol', async () => {
    expect(statuses(await raw(gateway.url, head('CONNECT 127.0.0.1:22 HTTP/1.1'), 1_000))).not.toContain(200)
    const upgrade = await raw(
      gateway.url,
      head('GET /v1/customers HTTP/1.1', 'Upgrade: websocket', 'Connection: Upgrade'),
      1_000,
    )
    expect(statuses(upgrade)).not.toContain(101)
  })

  it('answers pipelined requests in order', async () => {
    const one = head('GET /v1/customers/1 HTTP/1.1')
    const received = await raw(gateway.url, `${one}${head('GET /v1/customers/2 HTTP/1.1', 'Connection: close')}`)
    expect(statuses(received)).toEqual([200, 200])
    expect(received.indexOf('/v1/customers/1')).toBeLessThan(received.indexOf('/v1/customers/2'))
  })

  it('passes percent-encoded keys on unchanged', async () => {
    const { text } = await send(`${gateway.url}/v1/customers/ana%40example.com?idBy=email&q=%25%27%00`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(JSON.parse(text).url).toBe('/v1/customers/ana%40example.com?idBy=email&q=%25%27%00')
  })
})
