import { request } from 'node:http'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { codedEtag } from '../src/response/content-coding.ts'
import { readContracts } from '../src/site/api-documents.ts'
import { startGateway, type TestGateway } from './gateway.ts'

const rows = Array.from({ length: 25 }, (_, index) => ({
  id: index,
  name: `Customer ${index}`,
  notes: 'x'.repeat(300),
}))
const text = JSON.stringify({ data: rows })
const etag = '"3.q1cXq1cXq1c"'

describe('Compression', () => {
  let gateway: TestGateway
  let authorization: string
  beforeAll(async () => {
    gateway = await startGateway({ docsEnabled: true })
    authorization = `Bearer ${(await signedInAs('user')).token}`
  }, 60_000)
  afterAll(() => gateway?.stop())

  /** The service returns this response, with a Content-Length. */
  const respond = (body: string, headers: Record<string, string> = {}, status = 200): void => {
    for (const stub of [gateway.customers, gateway.media, gateway.users])
      stub.handler = (req, res) => {
        const own = { 'content-type': 'application/json; charset=utf-8', etag, ...headers }
        res.writeHead(status, { ...own, 'content-length': Buffer.byteLength(body) })
        res.end(req.method === 'HEAD' ? undefined : body)
      }
  }
  type Sent = { path?: string; method?: string; headers?: Record<string, string>; body?: string }
  const send = async ({ path = '/v1/customers', method = 'GET', headers = {}, body }: Sent = {}) => {
    const req = request(`${gateway.url}${path}`, { method, headers: { authorization, ...headers }, agent: false })
    req.end(body)
    const chunks: Buffer[] = []
    const res = await new Promise<import('node:http').IncomingMessage>((resolve, reject) =>
      req.once('response', resolve).once('error', reject),
    )
    for await (const chunk of res) chunks.push(chunk as Buffer)
    return { status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks) }
  }
  const accepting = (acceptEncoding: string, rest: Sent = {}) =>
    send({ ...rest, headers: { 'accept-encoding': acceptEncoding, ...rest.headers } })

  it.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip, deflate', 'gzip'],
    ['br;q=0.1, gzip;q=0.9', 'gzip'],
    ['br;q=0, *', 'gzip'],
    ['BR', 'br'],
    ['identity', undefined],
    ['identity, br;q=0.5', undefined],
    ['deflate, zstd', undefined],
    ['*;q=0', undefined],
  ])('with Accept-Encoding %s the coding of a JSON response is %s', async (header, coding) => {
    respond(text)
    const { headers, body } = await accepting(header)
    expect(headers['content-encoding']).toBe(coding)
    expect(headers.vary).toBe('Accept-Encoding, Origin')
    expect(headers['content-length']).toBe(String(body.length))
    const decoded = coding === 'br' ? brotliDecompressSync(body) : coding === 'gzip' ? gunzipSync(body) : body
    expect(decoded.toString()).toBe(text)
    if (coding) expect(body.length).toBeLessThan(text.length / 4)
  })

  it('a response that arrives in many parts is compressed as a whole', async () => {
    const large = JSON.stringify({ data: Array.from({ length: 40 }, () => rows) })
    respond(large)
    const { body } = await accepting('br')
    expect(brotliDecompressSync(body).toString()).toBe(large)
  })

  it('a compressed response has an ETag of its own, which If-Match and If-None-Match accept', async () => {
    respond(text)
    const { headers } = await accepting('br')
    const plain = await send()
    expect([headers.etag, plain.headers.etag]).toEqual(['"3.q1cXq1cXq1c.br"', etag])

    gateway.customers.requests.length = 0
    respond('', {}, 304)
    const known = { 'if-none-match': '"2.other", "3.q1cXq1cXq1c.br"' }
    const unchanged = await accepting('br', { headers: known })
    expect([unchanged.status, unchanged.headers.etag, unchanged.headers.vary]).toEqual([
      304,
      '"3.q1cXq1cXq1c.br"',
      'Accept-Encoding, Origin',
    ])
    const other = await accepting('br', { headers: { 'if-none-match': etag } })
    expect([other.status, other.headers.etag]).toEqual([304, etag])
    await send({ path: '/v1/customers/1', method: 'PATCH', headers: { 'if-match': '"3.q1cXq1cXq1c.gzip"' } })
    expect(gateway.customers.requests.map(({ headers: sent }) => sent['if-none-match'] ?? sent['if-match'])).toEqual([
      '"2.other", "3.q1cXq1cXq1c"',
      etag,
      etag,
    ])
  })

  it('the contract allows the ETag of a compressed response in If-Match', async () => {
    const [contract] = await readContracts(['customer-service'])
    const patch = contract?.openapi.paths?.['/v1/customers/{key}']?.['patch']
    const { parameters } = patch as { parameters: { name: string; schema: { pattern: string } }[] }
    const pattern = new RegExp(parameters.find(({ name }) => name === 'If-Match')?.schema.pattern ?? '^$')
    for (const tag of ['"3"', etag, codedEtag(etag, 'br'), codedEtag(etag, 'gzip'), '*']) expect(tag).toMatch(pattern)
  })

  it('a weak ETag stays as it is', async () => {
    respond(text, { etag: 'W/"7"' })
    expect((await accepting('gzip')).headers.etag).toBe('W/"7"')
  })

  it('HEAD has the headers of GET without a length', async () => {
    respond(text)
    const { headers, body } = await accepting('br', { method: 'HEAD' })
    expect([headers['content-encoding'], headers.etag, headers['content-length'], body.length]).toEqual([
      'br',
      '"3.q1cXq1cXq1c.br"',
      undefined,
      0,
    ])
  })

  it.each([
    ['a small response', '{"a":1}', {}],
    ['a response that must not be transformed', text, { 'cache-control': 'private, no-transform' }],
    ['an encoded response', text, { 'content-encoding': 'gzip' }],
    ['an image', text, { 'content-type': 'image/webp' }],
    ['a text that is not JSON', text, { 'content-type': 'text/csv' }],
    ['a very large response', JSON.stringify({ a: 'x'.repeat(1_100_000) }), {}],
  ])('%s is not compressed', async (_name, body, extra) => {
    respond(body, extra)
    const response = await accepting('br, gzip')
    expect(response.headers['content-encoding']).toBe((extra as Record<string, string>)['content-encoding'])
    expect(response.headers.etag).toBe(etag)
    expect(response.body.toString()).toBe(body)
  })

  it('a file is not compressed, and does not depend on Accept-Encoding', async () => {
    respond(text)
    const { headers } = await accepting('br', { path: '/v1/media/1/content' })
    expect([headers['content-encoding'], headers.vary]).toEqual([undefined, 'Origin'])
  })

  it('a response with tokens is not compressed', async () => {
    respond(text)
    const login = {
      path: '/v1/auth/login',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    }
    const { headers, body } = await accepting('br', login)
    expect(headers['content-encoding']).toBeUndefined()
    expect(body.toString()).toBe(text)
  })

  it('an event stream is sent at once and not compressed', async () => {
    gateway.activity.handler = (_req, res) => {
      const data = `data: ${'x'.repeat(3_000)}\n\n`
      res.writeHead(200, { 'content-type': 'text/event-stream', 'content-length': data.length }).end(data)
    }
    const { headers } = await accepting('br', { path: '/v1/events/stream', headers: { accept: 'text/event-stream' } })
    expect(headers['content-encoding']).toBeUndefined()
  })

  it('the client gets 502, not half of a response, if the service fails while a response is collected', async () => {
    gateway.customers.handler = (_req, res) => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' })
      res.write('{"a":', () => res.destroy())
    }
    const { status, headers } = await accepting('br')
    expect([status, headers['content-encoding']]).toEqual([502, undefined])
  })

  it.each([
    ['/', 'text/html'],
    ['/openapi.json', '*/*'],
    ['/docs/swagger-ui-bundle.js', '*/*'],
    ['/assets/site.css', '*/*'],
  ])('%s is compressed and keeps a weak ETag', async (path, accept) => {
    const plain = await send({ path, headers: { accept } })
    const { headers, body } = await accepting('gzip, br', { path, headers: { accept } })
    expect(headers['content-encoding']).toBe('br')
    expect(headers.vary).toContain('Accept-Encoding')
    expect([headers.etag?.slice(0, 2), headers.etag]).toEqual(['W/', plain.headers.etag])
    expect(brotliDecompressSync(body).equals(plain.body)).toBe(true)
    const known = await accepting('br', { path, headers: { accept, 'if-none-match': headers.etag ?? '' } })
    expect(known.status).toBe(304)
  })

  it('a part of a file of the documentation is not compressed', async () => {
    const path = '/docs/swagger-ui-bundle.js'
    const { status, headers, body } = await accepting('br', { path, headers: { range: 'bytes=0-4999' } })
    expect([status, headers['content-encoding'], body.length]).toEqual([206, undefined, 5_000])
  })
})
