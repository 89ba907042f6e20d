import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A span as OTLP's JSON has it; kind 2 is a server, 5 a consumer. */
export type Span = {
  name: string
  service: string
  kind: number
  traceId: string
  spanId: string
  parentSpanId?: string
  attributes: Record<string, unknown>
}

type Pair = { key: string; value: Record<string, unknown> }
type Export = {
  resourceSpans: {
    resource: { attributes: Pair[] }
    scopeSpans: { spans: (Omit<Span, 'service' | 'attributes'> & { attributes: Pair[] })[] }[]
  }[]
}
/** A fault as Sentry gets it. */
export type Fault = { server_name: string; exception: { values: { type: string; value: string }[] } }

const plain = (pairs: Pair[]): Record<string, unknown> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]))

const spansOf = ({ resourceSpans }: Export): Span[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        ...span,
        service: String(plain(resource.attributes)['service.name']),
        attributes: plain(span.attributes),
      })),
    ),
  )

/** Takes traces as an OpenTelemetry collector does, and faults as Sentry does. */
export const startCollector = async () => {
  const spans: Span[] = []
  const faults: Fault[] = []
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    if (req.url === '/v1/traces') spans.push(...spansOf(JSON.parse(text) as Export))
    else if (req.url?.includes('/envelope/')) faults.push(JSON.parse(text.split('\n')[2] ?? '{}') as Fault)
    res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return {
    otlp: `http://127.0.0.1:${port}`,
    dsn: `http://key@127.0.0.1:${port}/1`,
    spans,
    faults,
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
