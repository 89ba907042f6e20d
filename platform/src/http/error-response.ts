import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { isConnectionError, isTemporary } from '../data/database-errors.ts'
import { reportError } from '../runtime/error-reporting.ts'
import { currentLog } from '../runtime/log.ts'
import { Problem } from '../runtime/problem.ts'
import { drainRequest, keepAliveUntilRead } from './early-response.ts'

/** Returns the path of a request without its query. */
export const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?', 1)[0] ?? '/'

/** Turns any error into a problem that is safe to show to the client. An unknown error becomes a 500 without details. */
export const toProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error
  if (isTemporary(error))
    return new Problem('unavailable', { detail: 'the database is busy', headers: { 'Retry-After': '2' }, cause: error })
  if (isConnectionError(error))
    return new Problem('unavailable', {
      detail: 'the database is unavailable',
      headers: { 'Retry-After': '5' },
      cause: error,
    })
  const { type, status, statusCode } = (error ?? {}) as { type?: string; status?: number; statusCode?: number }
  if (error instanceof URIError || type === 'entity.parse.failed' || (status ?? statusCode) === 400)
    return new Problem('malformed', { detail: 'the path or body cannot be decoded', cause: error })
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

/** Responds to a failed request with a problem, and logs and reports server errors. */
export const sendErrorResponse = (error: unknown, req: IncomingMessage, res: ServerResponse): void => {
  const problem = toProblem(error)
  if (problem.status >= 500) currentLog().error({ err: error, code: problem.code }, 'request failed')
  if (problem.code === 'internal') reportError(error)
  if (res.headersSent) {
    res.destroy()
    return
  }
  keepAliveUntilRead(req, res)
  sendProblem(req, res, problem)
  drainRequest(req)
}

/** The error-handling middleware at the end of an app. */
export const problemHandler: ErrorRequestHandler = (error, req, res, _next) => sendErrorResponse(error, req, res)

/** Responds with 404. Mount it after all routes. */
export const notFoundHandler: RequestHandler = () => {
  throw new Problem('not_found', { detail: 'path not found' })
}
