import { readFileSync } from 'node:fs'
import { type Attributes, context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { Counter, collectDefaultMetrics, Gauge, Histogram, register } from 'prom-client'
import { currentContext } from './context.ts'

/** The process's metrics (Prometheus), served at `/metrics` on the internal port. */
export const metrics = register

const packageFile = new URL('../../package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }
const prefix = 'clientele_'

const known = <M>(name: string, make: (name: string) => M): M =>
  (register.getSingleMetric(`${prefix}${name}`) as M | undefined) ?? make(`${prefix}${name}`)

/**
 * A counter, shown as `clientele_<name>`. Labels must be of bounded variety: route templates and types, never ids. A label
 * `service` would clash with the one that Kubernetes gives a target: which service it is, the target's `job` says.
 */
export const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
  known(name, (full) => new Counter({ name: full, help, labelNames }))
/** A gauge, named and labelled as a {@link counter}; `collect` may set it when it is read. */
export const gauge = (
  name: string,
  help: string,
  labelNames: string[] = [],
  collect?: (this: Gauge) => void | Promise<void>,
): Gauge => known(name, (full) => new Gauge({ name: full, help, labelNames, ...(collect && { collect }) }))

const quick = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** For what may take minutes. */
export const slowBuckets: readonly number[] = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800]

/** A histogram of seconds, named and labelled as a {@link counter}. */
export const histogram = (
  name: string,
  help: string,
  labelNames: string[] = [],
  buckets: readonly number[] = quick,
): Histogram => known(name, (full) => new Histogram({ name: full, help, labelNames, buckets: [...buckets] }))

let provider: NodeTracerProvider | undefined

/** Whether traces are sent. */
export const isTracing = (): boolean => provider !== undefined

const resourceOf = async (service: string) => {
  const { detectResources, envDetector, resourceFromAttributes } = await import('@opentelemetry/resources')
  const own = { 'service.name': service, 'service.namespace': 'clientele', 'service.version': version }
  // What OTEL_RESOURCE_ATTRIBUTES says wins.
  return resourceFromAttributes(own).merge(detectResources({ detectors: [envDetector] }))
}

/** Starts default metrics and, with an OTLP/HTTP endpoint, traces of `service`. Call once, first thing. */
export const startTelemetry = async (options: {
  service: string
  otlpEndpoint?: string | undefined
}): Promise<void> => {
  const { service, otlpEndpoint } = options
  if (register.getSingleMetric('process_cpu_user_seconds_total') === undefined) collectDefaultMetrics()
  gauge('info', 'Always 1; the version that runs', ['version']).set({ version }, 1)
  if (otlpEndpoint === undefined || provider !== undefined) return
  // Only who has an endpoint pays for their memory.
  const [sdk, { OTLPTraceExporter }, resource] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    resourceOf(service),
  ])
  const exporter = new OTLPTraceExporter({ url: `${otlpEndpoint}/v1/traces`, timeoutMillis: 5_000 })
  provider = new sdk.NodeTracerProvider({ resource, spanProcessors: [new sdk.BatchSpanProcessor(exporter)] })
  provider.register()
}

/** Sends what is left of the traces. */
export const stopTelemetry = async (): Promise<void> => {
  await provider?.shutdown()
  provider = undefined
}

/** The W3C `traceparent` to send with what the current request or message causes. */
export const currentTraceparent = (): string | undefined => {
  if (provider === undefined) return currentContext()?.traceparent
  const carrier: { traceparent?: string } = {}
  propagation.inject(context.active(), carrier)
  return carrier.traceparent ?? currentContext()?.traceparent
}

/** Whether `value` is a W3C Trace Context `traceparent`, version 00. */
export const isTraceparent = (value: unknown): value is string =>
  typeof value === 'string' && /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.test(value)

/**
 * Runs `fn` in a span that continues `traceparent`, or begins a trace where that is null; without an exporter this costs next
 * to nothing, and `fn` gets no span.
 */
export const span = <T>(
  name: string,
  {
    attributes = {},
    traceparent,
    kind = SpanKind.INTERNAL,
  }: { attributes?: Attributes; traceparent?: string | null | undefined; kind?: SpanKind },
  fn: (active?: Span) => Promise<T>,
): Promise<T> => {
  if (provider === undefined) return fn()
  const parent = traceparent ? propagation.extract(context.active(), { traceparent }) : context.active()
  const options = { attributes, kind, root: traceparent === null }
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

/** Tells in a server's span what the request was for and how it was answered, as OpenTelemetry's conventions for HTTP name it. */
export const describeAnswer = (
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
