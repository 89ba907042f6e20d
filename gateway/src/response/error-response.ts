import { discardRest, holdForRest } from '@clientele/platform/http/early-response'
import { toProblem } from '@clientele/platform/http/error-response'
import { reportFault } from '@clientele/platform/runtime/error-reporting'
import type { Log } from '@clientele/platform/runtime/log'
import type { Problem } from '@clientele/platform/runtime/problem'
import { errorPage } from '../pages/error-page.ts'
import type { OutHeaders } from '../request/header-rules.ts'
import { type Exchange, wantsHtml } from '../request/request-state.ts'
import type { SecurityHeaders } from './security-headers.ts'

const lowerCase = (headers: Record<string, string> = {}): OutHeaders =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

const reasonOf = ({ message, options: { cause } }: Problem): string =>
  cause instanceof Error ? cause.message : message

type Options = { log: Log; security: SecurityHeaders; publicUrl: string }

/** How the gateway answers faults: a problem (RFC 9457), or a page for a browser. */
export const createFaultAnswer = ({ log, security, publicUrl }: Options) => {
  const metadata = `resource_metadata="${publicUrl}/.well-known/oauth-protected-resource"`

  const headersOf = (problem: Problem): OutHeaders => {
    const headers = lowerCase(problem.options.headers)
    const challenge = headers['www-authenticate']
    if (challenge !== undefined) headers['www-authenticate'] = `${challenge}, ${metadata}`
    return headers
  }

  return (exchange: Exchange, error: unknown): void => {
    const { req, res, requestId } = exchange
    const problem = toProblem(error)
    const where = { code: problem.code, requestId, route: exchange.route }
    if (problem.code === 'internal') {
      log.error({ err: error, ...where }, 'request failed')
      reportFault(error)
    } else if (problem.status >= 500) log.warn({ reason: reasonOf(problem), ...where }, 'request failed')
    if (res.headersSent || res.destroyed) {
      res.destroy()
      return
    }
    const html = wantsHtml(req)
    const body = html
      ? errorPage({ status: problem.status, code: problem.code, requestId })
      : JSON.stringify(problem.toBody({ instance: (req.url ?? '/').split('?', 1)[0] ?? '/', requestId }))
    holdForRest(req, res)
    res.writeHead(problem.status, {
      ...(html ? security.page : security.api),
      ...exchange.headers,
      ...headersOf(problem),
      'cache-control': 'no-store',
      'content-type': html ? 'text/html; charset=utf-8' : 'application/problem+json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    res.end(req.method === 'HEAD' ? undefined : body)
    discardRest(req)
  }
}
export type FaultAnswer = ReturnType<typeof createFaultAnswer>
