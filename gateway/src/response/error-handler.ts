import { drainRequest, keepAliveUntilRead } from '@clientele/platform/http/early-response'
import { toProblem } from '@clientele/platform/http/error-response'
import { reportError } from '@clientele/platform/runtime/error-reporting'
import type { Log } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { errorPage } from '../pages/error-page.ts'
import type { OutgoingHeaders } from '../request/header-rules.ts'
import { wantsHtml } from '../request/request-state.ts'
import type { RequestTracker } from '../request/request-tracker.ts'
import type { SecurityHeaders } from './security-headers.ts'

const lowerCase = (headers: Record<string, string> = {}): OutgoingHeaders =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

const reasonOf = ({ message, options: { cause } }: Problem): string =>
  cause instanceof Error ? cause.message : message

type Deps = { log: Log; tracker: RequestTracker; security: SecurityHeaders; publicUrl: string }

/** The error handler at the end of the app. Responds with a problem (RFC 9457), or with an HTML page to a browser. */
export const createErrorHandler = ({ log, tracker, security, publicUrl }: Deps): ErrorRequestHandler => {
  const metadata = `resource_metadata="${publicUrl}/.well-known/oauth-protected-resource"`

  const headersOf = (problem: Problem): OutgoingHeaders => {
    const headers = lowerCase(problem.options.headers)
    const challenge = headers['www-authenticate']
    if (challenge !== undefined) headers['www-authenticate'] = `${challenge}, ${metadata}`
    return headers
  }

  return (error, req, res, _next) => {
    const { requestId, routeName, headers } = tracker.track(req, res)
    const problem = toProblem(error)
    const context = { code: problem.code, requestId, route: routeName }
    if (problem.code === 'internal') {
      log.error({ err: error, ...context }, 'request failed')
      reportError(error)
    } else if (problem.status >= 500) log.warn({ reason: reasonOf(problem), ...context }, 'request failed')
    if (res.headersSent || res.destroyed) {
      res.destroy()
      return
    }
    const html = wantsHtml(req)
    const body = html
      ? errorPage({ status: problem.status, code: problem.code, requestId })
      : JSON.stringify(problem.toBody({ instance: req.url.split('?', 1)[0] ?? '/', requestId }))
    keepAliveUntilRead(req, res)
    res.writeHead(problem.status, {
      ...(html ? security.headers.page : security.headers.api),
      ...headers,
      ...headersOf(problem),
      'cache-control': 'no-store',
      'content-type': html ? 'text/html; charset=utf-8' : 'application/problem+json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    res.end(req.method === 'HEAD' ? undefined : body)
    drainRequest(req)
  }
}

/** Responds with 404. Mount it after all routes. */
export const notFound: RequestHandler = () => {
  throw new Problem('not_found', { detail: 'path not found' })
}
