import { type Attributes, context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { Counter, collectDefaultMetrics, Gauge, Histogram, register } from 'prom-client'
import { currentContext } from './context.ts'

/** The process's metrics (Prometheus), served at `/metrics` on the internal port. */
export const metrics = register

const known = <M>(name: string, make: () => M): M => (register.getSingleMetric(name) as M | undefined) ?? make()

/** A counter; labels must be of bounded variety: route templates and types, never ids. */
export const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
  known(name, () => new Counter({ name, help, labelNames }))
/** A gauge; `collect` may set it when it is read. */
export const gauge = (
  name: string,
  help: string,
  labelNames: string[] = [],
  collect?: (this: Gauge) => void | Promise<void>,
): Gauge => known(name, () => new Gauge({ name, help, labelNames, ...(collect && { collect }) }))
/** A histogram of seconds. */
export const histogram = (name: string, help: string, labelNames: string[] = []): Histogram =>
  known(
    name,
    () =>
      new Histogram({
        name,
        help,
        labelNames,
        buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      }),
  )

let provider: NodeTracerProvider | undefined

/** Starts default metrics and, with an OTLP/HTTP endpoint, traces. Call once, first thing. */
export const startTelemetry = async ({ otlpEndpoint }: { otlpEndpoint?: string | undefined }): Promise<void> => {
  if (register.getSingleMetric('process_cpu_user_seconds_total') === undefined) collectDefaultMetrics()
  if (otlpEndpoint === undefined || provider !== undefined) return
  // Only who has an endpoint pays for their memory.
  const [sdk, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ])
  const exporter = new OTLPTraceExporter({ url: `${otlpEndpoint}/v1/traces`, timeoutMillis: 5_000 })
  provider = new sdk.NodeTracerProvider({ spanProcessors: [new sdk.BatchSpanProcessor(exporter)] })
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

/** Runs `fn` in a span that continues `traceparent`; without an exporter this costs next to nothing. */
export const span = <T>(
  name: string,
  {
    attributes = {},
    traceparent,
    kind = SpanKind.INTERNAL,
  }: { attributes?: Attributes; traceparent?: string | undefined; kind?: SpanKind },
  fn: () => Promise<T>,
): Promise<T> => {
  if (provider === undefined) return fn()
  const parent = traceparent === undefined ? context.active() : propagation.extract(context.active(), { traceparent })
  return trace.getTracer('clientele').startActiveSpan(name, { attributes, kind }, parent, async (active) => {
    try {
      return await fn()
    } catch (error) {
      active.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      active.end()
    }
  })
}
