import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { signedInAs } from '@clientele/platform/testing/tokens'
import type { RequestHandler } from 'express'
import { startGateway, type TestGateway } from './gateway.ts'

describe('A custom middleware', () => {
  let gateway: TestGateway
  const seen: string[] = []
  const recorder: RequestHandler = (req, res, next) => {
    seen.push(`${req.method} ${req.url} from ${req.ip}`)
    res.setHeader('X-First', 'yes')
    if (req.url === '/health/live?fail') throw new Error('it failed')
    next()
  }
  let token: string
  beforeAll(async () => {
    gateway = await startGateway({ trustedProxies: 1 }, { middleware: [recorder] })
    token = (await signedInAs('user')).token
  }, 60_000)
  afterAll(() => gateway?.stop())
  beforeEach(() => {
    seen.length = 0
  })

  it('a middleware sees requests to services and to pages', async () => {
    const forwarded = { 'x-forwarded-for': '198.51.100.7' }
    const responses = [
      await gateway.as(token).get('/v1/customers?limit=1', forwarded),
      await gateway.as().get('/v1/nothing', forwarded),
      await gateway.as().get('/problems', forwarded),
    ]
    expect(responses.map(({ status, headers }) => [status, headers.get('x-first')])).toEqual([
      [200, 'yes'],
      [401, 'yes'],
      [200, 'yes'],
    ])
    expect(seen).toEqual([
      'GET /v1/customers?limit=1 from 198.51.100.7',
      'GET /v1/nothing from 198.51.100.7',
      'GET /problems from 198.51.100.7',
    ])
    expect(gateway.customers.requests.map(({ url }) => url)).toEqual(['/v1/customers?limit=1'])
  })

  it('a middleware that throws leads to a problem response', async () => {
    const { status, body, headers } = await gateway.as().get('/health/live?fail')
    expect({ status, code: body.code, instance: body.instance }).toEqual({
      status: 500,
      code: 'internal',
      instance: '/health/live',
    })
    expect(body.requestId).toBe(headers.get('x-request-id'))
  })
})

it('the gateway does not reveal Express, and /V1 is not the API', async () => {
  const gateway = await startGateway()
  const { status, headers } = await gateway.as().get('/V1/customers')
  await gateway.stop()
  expect({ status, poweredBy: headers.get('x-powered-by') }).toEqual({ status: 404, poweredBy: null })
}, 30_000)

it('requests to services and pages have spans, and their metrics are labelled by route', async () => {
  type Export = { resourceSpans: { scopeSpans: { spans: { name: string; traceId: string }[] }[] }[] }
  const exports: Export[] = []
  const collector = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    exports.push(JSON.parse(Buffer.concat(chunks).toString()) as Export)
    res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => collector.once('listening', resolve))
  const { port } = collector.address() as AddressInfo

  const gateway = await startGateway({ otelExporterOtlpEndpoint: `http://127.0.0.1:${port}` })
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`
  const { body } = await gateway.as().get('/v1/auth/config', { traceparent })
  await gateway.as().get('/problems/not-found', { traceparent })
  const metrics = await fetch(`${gateway.internalUrl}/metrics`).then((response) => response.text())
  await gateway.stop()
  collector.close()

  expect(body.headers.traceparent).toMatch(new RegExp(`^00-${traceId}-(?!00f067aa0ba902b7)`))
  const spans = exports
    .flatMap(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((each) => each.spans)))
    .filter((span) => span.traceId === traceId)
  expect(spans.map(({ name }) => name).sort()).toEqual(['GET /problems/:type', 'GET /v1/auth/config'])
  for (const route of ['/problems/:type', '/v1/auth/config'])
    expect(metrics).toContain(
      `clientele_http_request_duration_seconds_count{method="GET",route="${route}",status="200"}`,
    )
}, 60_000)
