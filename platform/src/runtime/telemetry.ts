import { readFileSync } from 'node:fs'
import { type Attributes, context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { Counter, collectDefaultMetrics, Gauge, Histogram, register } from 'prom-client'
import { currentContext } from './context.ts'

/** The Prometheus registry of the process, served at `/metrics` on the internal port. */
export const metrics = register

const packageFile = new URL('../../package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }
const prefix = 'clientele_'

const getOrCreate = <M>(name: string, make: (name: string) => M): M =>
  (register.getSingleMetric(`${prefix}${name}`) as M | undefined) ?? make(`${prefix}${name}`)

/**
 * Returns the counter `clientele_<name>`, and creates it on the first call. Label values must be bounded: use route templates
 * and types, never ids. Do not add a label `service`: it clashes with the label that Kubernetes gives to targets, whose `job`
 * names the service.
 */
export const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
  getOrCreate(name, (full) => new Counter({ name: full, help, labelNames }))
/** Like {@link counter}, for a gauge. `collect` can set its value at each scrape. */
export const gauge = (
  name: string,
  help: string,
  labelNames: string[] = [],
  collect?: (this: Gauge) => void | Promise<void>,
): Gauge => getOrCreate(name, (full) => new Gauge({ name: full, help, labelNames, ...(collect && { collect }) }))

const defaultBuckets = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** Histogram buckets in seconds for work that can take minutes. */
export const slowBuckets: readonly number[] = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800]

/** Like {@link counter}, for a histogram of seconds. */
export const histogram = (
  name: string,
  help: string,
  labelNames: string[] = [],
  buckets: readonly number[] = defaultBuckets,
): Histogram => getOrCreate(name, (full) => new Histogram({ name: full, help, labelNames, buckets: [...buckets] }))

let provider: NodeTracerProvider | undefined

/** Whether traces are exported. */
export const isTracing = (): boolean => provider !== undefined

const resourceOf = async (service: string) => {
  const { detectResources, envDetector, resourceFromAttributes } = await import('@opentelemetry/resources')
  const own = { 'service.name': service, 'service.namespace': 'clientele', 'service.version': version }
  // OTEL_RESOURCE_ATTRIBUTES takes precedence.
  return resourceFromAttributes(own).merge(detectResources({ detectors: [envDetector] }))
}

/** Starts the default metrics and, with an OTLP/HTTP endpoint, traces. Call it once, before anything else. */
export const startTelemetry = async (options: {
  service: string
  otlpEndpoint?: string | undefined
}): Promise<void> => {
  const { service, otlpEndpoint } = options
  if (register.getSingleMetric('process_cpu_user_seconds_total') === undefined) collectDefaultMetrics()
  gauge('info', 'Version of the process; the value is always 1', ['version']).set({ version }, 1)
  if (otlpEndpoint === undefined || provider !== undefined) return
  // Imported only with an endpoint, to save memory without one.
  const [sdk, { OTLPTraceExporter }, resource] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    resourceOf(service),
  ])
  const exporter = new OTLPTraceExporter({ url: `${otlpEndpoint}/v1/traces`, timeoutMillis: 5_000 })
  provider = new sdk.NodeTracerProvider({ resource, spanProcessors: [new sdk.BatchSpanProcessor(exporter)] })
  provider.register()
}

/** Stops tracing after the pending spans are sent. */
export const stopTelemetry = async (): Promise<void> => {
  await provider?.shutdown()
  provider = undefined
}

/** Returns the W3C `traceparent` to send with requests and events that the current request or message causes. */
export const currentTraceparent = (): string | undefined => {
  if (provider === undefined) return currentContext()?.traceparent
  const carrier: { traceparent?: string } = {}
  propagation.inject(context.active(), carrier)
  return carrier.traceparent ?? currentContext()?.traceparent
}

/** Whether `value` is a W3C Trace Context `traceparent`, version 00. */
export const isTraceparent = (value: unknown): value is string =>
  typeof value === 'string' && /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.test(value)

const spanContextOf = (traceparent: string) =>
  trace.getSpanContext(propagation.extract(context.active(), { traceparent }))

/**
 * Runs `fn` in a span. The span continues `traceparent`; null starts a new trace, undefined continues the current span. `links` are
 * the traces of several messages that are handled together. If traces are not exported, `fn` runs without a span.
 */
export const withSpan = <T>(
  name: string,
  {
    attributes = {},
    traceparent,
    links = [],
    kind = SpanKind.INTERNAL,
  }: {
    attributes?: Attributes
    traceparent?: string | null | undefined
    links?: readonly string[]
    kind?: SpanKind
  },
  fn: (active?: Span) => Promise<T>,
): Promise<T> => {
  if (provider === undefined) return fn()
  const parent = traceparent ? propagation.extract(context.active(), { traceparent }) : context.active()
  const linked = links.map(spanContextOf).filter((spanContext) => spanContext !== undefined)
  const options = {
    attributes,
    kind,
    root: traceparent === null,
    links: linked.map((spanContext) => ({ context: spanContext })),
  }
  return trace.getTracer('clientele').startActiveSpan(name, options, parent, async (active) => {
    try {
      return await fn(active)
    } catch (error) {
      active.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      active.end()
    }
  })
}

/** Records route and status in the span of a server, with the attributes of OpenTelemetry's HTTP conventions. */
export const recordResponse = (
  active: Span | undefined,
  { method, route, status }: { method: string; route: string; status: number },
): void => {
  if (!active) return
  active.updateName(`${method} ${route}`)
  active.setAttributes({
    'http.request.method': method,
    'http.route': route,
    'http.response.status_code': status,
  })
  if (status >= 500) active.setStatus({ code: SpanStatusCode.ERROR })
}
