import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import { v7, validate } from 'uuid'
import { withContext } from './context.ts'
import { reportFault } from './faults.ts'
import { currentLog, type Log } from './log.ts'
import { Problem } from './problem.ts'
import { histogram, isTraceparent, span } from './telemetry.ts'

const requestIdPattern = /^[\w.:@/+=-]{1,128}$/

/** The caller's `X-Request-Id` where it is a plain one, else a new UUIDv7. */
export const requestIdOf = (header: string | string[] | undefined): string =>
  typeof header === 'string' && requestIdPattern.test(header) ? header : v7()

/** Whether `value` is a UUID in text form. */
export const isUuid = (value: string): boolean => validate(value)

const duration = () =>
  histogram('http_request_duration_seconds', 'Time to answer requests', ['method', 'route', 'status'])

type Routed = Response & { locals: { route?: string } }

/** First in an app: request id, logger and trace context for all that follows; one access line and one metric a request. */
export const requestContext = (log: Log): RequestHandler => {
  const seconds = duration()
  return (req, res: Routed, next) => {
    const started = process.hrtime.bigint()
    const requestId = requestIdOf(req.headers['x-request-id'])
    const { traceparent } = req.headers
    const child = log.child({ requestId, ...(isTraceparent(traceparent) && { traceId: traceparent.slice(3, 35) }) })
    res.set('X-Request-Id', requestId)
    res.once('close', () => {
      const ms = Number(process.hrtime.bigint() - started) / 1e6
      const { route = 'none' } = res.locals
      const status = res.writableFinished ? res.statusCode : 499
      seconds.observe({ method: req.method, route, status }, ms / 1000)
      child.info({ method: req.method, route, status, ms: Math.round(ms * 10) / 10 }, 'request')
    })
    const context = { log: child, requestId, traceparent: isTraceparent(traceparent) ? traceparent : undefined }
    withContext(context, () => {
      span(`${req.method} ${req.path.split('/').slice(0, 3).join('/')}`, { traceparent: context.traceparent }, () => {
        next()
        return new Promise<void>((resolve) => res.once('close', resolve))
      }).catch(next)
    })
  }
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
  const { type, status, statusCode } = (error ?? {}) as { type?: string; status?: number; statusCode?: number }
  if (error instanceof URIError || type === 'entity.parse.failed' || (status ?? statusCode) === 400)
    return new Problem('malformed', { detail: 'the address or body could not be decoded', cause: error })
  return new Problem('internal', { cause: error })
}

/** Sends a problem as `application/problem+json`. */
export const sendProblem = (req: Request, res: Response, problem: Problem): void => {
  const requestId = String(res.getHeader('X-Request-Id') ?? '')
  const body = JSON.stringify(problem.toBody({ instance: req.path, requestId }))
  res.status(problem.status)
  res.set({
    'Cache-Control': 'no-store',
    ...problem.options.headers,
    'Content-Type': 'application/problem+json; charset=utf-8',
  })
  res.removeHeader('ETag')
  res.set('Content-Length', String(Buffer.byteLength(body)))
  res.end(req.method === 'HEAD' ? undefined : body)
}

/** Last in an app. */
export const problemHandler: ErrorRequestHandler = (error, req, res, _next) => {
  const problem = asProblem(error)
  if (problem.status >= 500) currentLog().error({ err: error, code: problem.code }, 'request failed')
  if (problem.code === 'internal') reportFault(error)
  if (res.headersSent) {
    res.destroy()
    return
  }
  if (!req.complete) {
    res.set('Connection', 'close')
    req.resume()
  }
  sendProblem(req, res, problem)
}

/** After all routes. */
export const notFoundHandler: RequestHandler = () => {
  throw new Problem('not_found', { detail: 'there is no such address' })
}
