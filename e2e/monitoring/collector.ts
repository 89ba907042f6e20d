import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A span of OTLP/JSON. Kind 2 is a server, 5 a consumer. */
export type Span = {
  name: string
  service: string
  kind: number
  traceId: string
  spanId: string
  parentSpanId?: string
  attributes: Record<string, unknown>
}

type OtlpAttribute = { key: string; value: Record<string, unknown> }
type OtlpExport = {
  resourceSpans: {
    resource: { attributes: OtlpAttribute[] }
    scopeSpans: { spans: (Omit<Span, 'service' | 'attributes'> & { attributes: OtlpAttribute[] })[] }[]
  }[]
}
/** An event as Sentry receives it. */
export type SentryEvent = { server_name: string; exception: { values: { type: string; value: string }[] } }

const toRecord = (pairs: OtlpAttribute[]): Record<string, unknown> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]))

const readSpans = ({ resourceSpans }: OtlpExport): Span[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        ...span,
        service: String(toRecord(resource.attributes)['service.name']),
        attributes: toRecord(span.attributes),
      })),
    ),
  )

/** Starts an HTTP server that receives traces like an OpenTelemetry collector and error events like Sentry. */
export const startCollector = async () => {
  const spans: Span[] = []
  const sentryEvents: SentryEvent[] = []
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    if (req.url === '/v1/traces') spans.push(...readSpans(JSON.parse(text) as OtlpExport))
    else if (req.url?.includes('/envelope/')) sentryEvents.push(JSON.parse(text.split('\n')[2] ?? '{}') as SentryEvent)
    res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return {
    otlp: `http://127.0.0.1:${port}`,
    dsn: `http://key@127.0.0.1:${port}/1`,
    spans,
    sentryEvents,
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
