import type { IncomingMessage, ServerResponse } from 'node:http'
import { SpanKind } from '@opentelemetry/api'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { v7, validate } from 'uuid'
import { type Context, withContext } from './context.ts'
import { discardRest, holdForRest } from './early-answer.ts'
import { isDatabaseAway } from './fault.ts'
import { reportFault } from './faults.ts'
import { currentLog, type Log } from './log.ts'
import { Problem } from './problem.ts'
import { pooledRandom } from './random.ts'
import { describeAnswer, histogram, isTraceparent, isTracing, span } from './telemetry.ts'

const requestIdPattern = /^[\w.:@/+=-]{1,128}$/

/** The caller's `X-Request-Id` where it is a plain one, else a new UUIDv7. */
export const requestIdOf = (header: string | string[] | undefined): string =>
  typeof header === 'string' && requestIdPattern.test(header) ? header : v7({ random: pooledRandom(16) })

/** Whether `value` is a UUID in text form. */
export const isUuid = (value: string): boolean => validate(value)

const duration = () =>
  histogram('http_request_duration_seconds', 'Time to answer requests', ['method', 'route', 'status'])

/** The path of a request without its query. */
export const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?', 1)[0] ?? '/'

/**
 * Runs `work` for a request with its id, logger and trace context as the current {@link Context}; one access line and one
 * metric a request.
 */
export const createEntrance = (log: Log) => {
  const seconds = duration()
  // Its lines are made of fields that need no redaction, which would cost more than the line.
  const access = log.child({}, { redact: [] })
  return (req: IncomingMessage, res: ServerResponse, route: string | undefined, work: () => void): void => {
    const started = performance.now()
    const requestId = requestIdOf(req.headers['x-request-id'])
    const header = req.headers['traceparent']
    const traceparent = isTraceparent(header) ? header : undefined
    const ids = { requestId, ...(traceparent !== undefined && { traceId: traceparent.slice(3, 35) }) }
    const context = contextOf(log, ids, traceparent, route)
    res.setHeader('X-Request-Id', requestId)
    res.once('close', () => {
      const ms = performance.now() - started
      const { method = '' } = req
      const { route = 'none' } = context
      const status = statusOf(res)
      seconds.observe({ method, route, status }, ms / 1000)
      access.info({ ...ids, method, route, status, ms: Math.round(ms * 10) / 10 }, 'request')
    })
    withContext(context, () => {
      try {
        if (isTracing()) serverSpan({ req, res, traceparent, routeOf: () => context.route }, work)
        else work()
      } catch (error) {
        answerFault(error, req, res)
      }
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
  }).catch((error: unknown) => answerFault(error, req, res))
}

/** The status that a client got, once its answer is closed; 499 where it went away before the end. */
export const statusOf = (res: ServerResponse): number => (res.writableFinished ? res.statusCode : 499)

// Most requests log nothing but their access line, so the logger with their ids is made when it is asked for.
const contextOf = (log: Log, ids: object, traceparent: string | undefined, route: string | undefined): Context => {
  let child: Log | undefined
  return {
    get log() {
      child ??= log.child(ids)
      return child
    },
    requestId: (ids as { requestId: string }).requestId,
    traceparent,
    ...(route !== undefined && { route }),
  }
}

/** {@link createEntrance} as the first middleware of an app. */
export const requestContext = (log: Log): RequestHandler => {
  const enter = createEntrance(log)
  return (req, res, next) => enter(req, res, undefined, next)
}

// PostgreSQL (Appendix A): lock and statement time-outs, deadlock, serialisation, shutdown, too many connections, lost connection.
const passing = /^(55P03|57014|40P01|40001|57P0[123]|53300|08\w{3})$/

const isPassing = (error: unknown): boolean => {
  const { code, parent } = (error ?? {}) as { code?: unknown; parent?: { code?: unknown } }
  return passing.test(String(code)) || passing.test(String(parent?.code))
}

/** Whatever was thrown, as something a caller may be told. */
export const asProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error
  if (isPassing(error))
    return new Problem('unavailable', { detail: 'the database is busy', headers: { 'Retry-After': '2' }, cause: error })
  if (isDatabaseAway(error))
    return new Problem('unavailable', {
      detail: 'the database is not reachable',
      headers: { 'Retry-After': '5' },
      cause: error,
    })
  const { type, status, statusCode } = (error ?? {}) as { type?: string; status?: number; statusCode?: number }
  if (error instanceof URIError || type === 'entity.parse.failed' || (status ?? statusCode) === 400)
    return new Problem('malformed', { detail: 'the address or body could not be decoded', cause: error })
  return new Problem('internal', { cause: error })
}

/** Sends a problem as `application/problem+json`. */
export const sendProblem = (req: IncomingMessage, res: ServerResponse, problem: Problem): void => {
  const requestId = String(res.getHeader('X-Request-Id') ?? '')
  const body = JSON.stringify(problem.toBody({ instance: pathOf(req), requestId }))
  res.removeHeader('ETag')
  res.statusCode = problem.status
  const headers = {
    'Cache-Control': 'no-store',
    ...problem.options.headers,
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
  }
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  res.end(req.method === 'HEAD' ? undefined : body)
}

/** Answers a request that failed: whatever was thrown becomes a problem. */
export const answerFault = (error: unknown, req: IncomingMessage, res: ServerResponse): void => {
  const problem = asProblem(error)
  if (problem.status >= 500) currentLog().error({ err: error, code: problem.code }, 'request failed')
  if (problem.code === 'internal') reportFault(error)
  if (res.headersSent) {
    res.destroy()
    return
  }
  holdForRest(req, res)
  sendProblem(req, res, problem)
  discardRest(req)
}

/** Last in an app. */
export const problemHandler: ErrorRequestHandler = (error, req, res, _next) => answerFault(error, req, res)

/** After all routes. */
export const notFoundHandler: RequestHandler = () => {
  throw new Problem('not_found', { detail: 'there is no such address' })
}
