import type { IncomingMessage, ServerResponse } from 'node:http'
import { SpanKind } from '@opentelemetry/api'
import type { RequestHandler } from 'express'
import { v7 } from 'uuid'
import { type Context, withContext } from '../runtime/context.ts'
import type { Log } from '../runtime/log.ts'
import { pooledRandom } from '../runtime/random.ts'
import { describeAnswer, histogram, isTraceparent, isTracing, span } from '../runtime/telemetry.ts'
import { sendErrorResponse } from './error-response.ts'

const requestIdPattern = /^[\w.:@/+=-]{1,128}$/

/** The caller's `X-Request-Id` where it is a plain one, else a new UUIDv7. */
export const requestIdOf = (header: string | string[] | undefined): string =>
  typeof header === 'string' && requestIdPattern.test(header) ? header : v7({ random: pooledRandom(16) })

const duration = () =>
  histogram('http_request_duration_seconds', 'Time to answer requests', ['method', 'route', 'status'])

/**
 * The first middleware of an app: its request runs with id, logger and trace context as the current {@link Context}, and
 * ends with one access line and one metric.
 */
export const requestContext = (log: Log): RequestHandler => {
  const seconds = duration()
  // Its lines are made of fields that need no redaction, which would cost more than the line.
  const access = log.child({}, { redact: [] })
  return (req, res, next) => {
    const started = performance.now()
    const requestId = requestIdOf(req.headers['x-request-id'])
    const header = req.headers['traceparent']
    const traceparent = isTraceparent(header) ? header : undefined
    const ids = { requestId, ...(traceparent !== undefined && { traceId: traceparent.slice(3, 35) }) }
    const context = contextOf(log, ids, traceparent)
    res.setHeader('X-Request-Id', requestId)
    res.once('close', () => {
      const ms = performance.now() - started
      const { method } = req
      const { route = 'none' } = context
      const status = statusOf(res)
      seconds.observe({ method, route, status }, ms / 1000)
      access.info({ ...ids, method, route, status, ms: Math.round(ms * 10) / 10 }, 'request')
    })
    withContext(context, () => {
      if (isTracing()) serverSpan({ req, res, traceparent, routeOf: () => context.route }, next)
      else next()
    })
  }
}

type Served = {
  req: IncomingMessage
  res: ServerResponse
  /** The caller's; a new trace begins without it. */
  traceparent: string | undefined
  routeOf: () => string | undefined
}

/** Runs `work` in the span of a request, which lasts until the answer is closed. */
export const serverSpan = ({ req, res, traceparent, routeOf }: Served, work: () => void): void => {
  const { method = '' } = req
  // Its full name comes when the route is known.
  void span(method, { traceparent: traceparent ?? null, kind: SpanKind.SERVER }, async (active) => {
    const closed = new Promise<void>((resolve) => res.once('close', resolve))
    work()
    await closed
    describeAnswer(active, { method, route: routeOf() ?? 'none', status: statusOf(res) })
  }).catch((error: unknown) => sendErrorResponse(error, req, res))
}

/** The status that a client got, once its answer is closed; 499 where it went away before the end. */
export const statusOf = (res: ServerResponse): number => (res.writableFinished ? res.statusCode : 499)

// Most requests log nothing but their access line, so the logger with their ids is made when it is asked for.
const contextOf = (log: Log, ids: { requestId: string }, traceparent: string | undefined): Context => {
  let child: Log | undefined
  return {
    get log() {
      child ??= log.child(ids)
      return child
    },
    requestId: ids.requestId,
    traceparent,
  }
}
