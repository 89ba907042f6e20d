import type { IncomingMessage, ServerResponse } from 'node:http'
import { SpanKind } from '@opentelemetry/api'
import type { RequestHandler } from 'express'
import { v7 } from 'uuid'
import { type Context, withContext } from '../runtime/context.ts'
import type { Log } from '../runtime/log.ts'
import { pooledRandomBytes } from '../runtime/random.ts'
import { histogram, isTraceparent, isTracing, recordResponse, withSpan } from '../runtime/telemetry.ts'
import { sendErrorResponse } from './error-response.ts'

const requestIdPattern = /^[\w.:@/+=-]{1,128}$/

/** Returns the client's `X-Request-Id` if it is well-formed, else a new UUIDv7. */
export const requestIdOf = (header: string | string[] | undefined): string =>
  typeof header === 'string' && requestIdPattern.test(header) ? header : v7({ random: pooledRandomBytes(16) })

const duration = () => histogram('http_request_duration_seconds', 'Duration of requests', ['method', 'route', 'status'])

/**
 * Creates the first middleware of an app. It runs the request with its id, logger and trace as the current {@link Context}. At the
 * end of the request it writes one line to the access log and records the duration.
 */
export const requestContext = (log: Log): RequestHandler => {
  const seconds = duration()
  // Access log lines have no field to redact, and redaction would take longer than writing the line.
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
      const { route = 'none', streamingSince } = context
      const status = streamingSince === undefined ? statusOf(res) : res.statusCode
      seconds.observe({ method, route, status }, ((streamingSince ?? performance.now()) - started) / 1000)
      access.info({ ...ids, method, route, status, ms: Math.round(ms * 10) / 10 }, 'request')
    })
    withContext(context, () => {
      if (isTracing()) withServerSpan({ req, res, traceparent, routeOf: () => context.route }, next)
      else next()
    })
  }
}

type ServerSpanOptions = {
  req: IncomingMessage
  res: ServerResponse
  /** From the client. Without it a new trace begins. */
  traceparent: string | undefined
  routeOf: () => string | undefined
}

/** Runs `work` in the span of a request. The span ends when the response is closed. */
export const withServerSpan = ({ req, res, traceparent, routeOf }: ServerSpanOptions, work: () => void): void => {
  const { method = '' } = req
  // The span gets its full name once the route is known.
  void withSpan(method, { traceparent: traceparent ?? null, kind: SpanKind.SERVER }, async (active) => {
    const closed = new Promise<void>((resolve) => res.once('close', resolve))
    work()
    await closed
    recordResponse(active, { method, route: routeOf() ?? 'none', status: statusOf(res) })
  }).catch((error: unknown) => sendErrorResponse(error, req, res))
}

/** Returns the status of a closed response, or 499 if the client disconnected before its end. */
export const statusOf = (res: ServerResponse): number => (res.writableFinished ? res.statusCode : 499)

// Most requests log only their access line, so the child logger is created on first use.
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
