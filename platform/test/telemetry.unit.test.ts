import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  currentTraceparent,
  isTraceparent,
  startTelemetry,
  stopTelemetry,
  withSpan,
} from '@clientele/platform/runtime/telemetry'

type Export = {
  resourceSpans: { scopeSpans: { spans: { name: string; traceId: string; parentSpanId?: string }[] }[] }[]
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const parent = `00-${traceId}-00f067aa0ba902b7-01`

let collector: Server
const received: Export[] = []
beforeAll(async () => {
  collector = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    received.push(JSON.parse(Buffer.concat(chunks).toString()) as Export)
    res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => collector.once('listening', resolve))
})
afterAll(() => collector.close())

it('spans continue the trace of the caller, are exported over OTLP and are propagated', async () => {
  const { port } = collector.address() as AddressInfo
  await startTelemetry({ service: 'test-service', otlpEndpoint: `http://127.0.0.1:${port}` })
  const propagated = await withSpan('work', { traceparent: parent }, async () => currentTraceparent())
  await stopTelemetry()
  expect(propagated).toMatch(new RegExp(`^00-${traceId}-(?!00f067aa0ba902b7)`))
  const spans = received.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
  )
  expect(spans).toEqual([expect.objectContaining({ name: 'work', traceId, parentSpanId: '00f067aa0ba902b7' })])
})

it.each([
  [parent, true],
  [`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, false],
  [`00-${traceId}-${'0'.repeat(16)}-01`, false],
  ['00-abc-def-01', false],
  [undefined, false],
])('isTraceparent of %p is %p', (value, valid) => {
  expect(isTraceparent(value)).toBe(valid)
})
