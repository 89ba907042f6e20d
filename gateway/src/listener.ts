import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { serverSpan, statusOf } from '@clientele/platform/http/request-lifecycle'
import type { Log } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import { currentTraceparent, histogram, isTraceparent, isTracing } from '@clientele/platform/runtime/telemetry'
import type { RateLimits } from './access/rate-limit.ts'
import type { ApiHandler } from './proxy/api.ts'
import { addressKey } from './request/client-address.ts'
import { type Exchange, openExchange } from './request/request-state.ts'
import { parseTarget, type Target } from './request/request-target.ts'
import type { createCors } from './response/cors.ts'
import type { FaultAnswer } from './response/error-response.ts'
import type { SecurityHeaders } from './response/security-headers.ts'

export type ListenerParts = {
  api: ApiHandler
  site: (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void
  cors: ReturnType<typeof createCors>
  limits: RateLimits
  fault: FaultAnswer
  security: SecurityHeaders
  log: Log
  trustedProxies: number
}

const hasOneHost = ({ rawHeaders }: IncomingMessage): boolean => {
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1
  }
  return hosts <= 1
}

const ignore = (): void => {}

/** What the HTTP server calls: `/v1` goes to the services, the rest to the gateway's own pages. */
export const createListener = (parts: ListenerParts): RequestListener => {
  const { api, site, cors, limits, fault, security, log, trustedProxies } = parts
  const duration = histogram('http_request_duration_seconds', 'Time to answer requests', ['method', 'route', 'status'])

  // Its lines are made of fields that need no redaction, which would cost more than the line.
  const access = log.child({}, { redact: [] })

  const record = ({ req, res, route, requestId, traceparent, startedAt }: Exchange): void => {
    const ms = performance.now() - startedAt
    const { method } = req
    const status = statusOf(res)
    duration.observe({ method, route, status }, ms / 1000)
    access.info(
      { requestId, traceId: traceparent.slice(3, 35), method, route, status, ms: Math.round(ms * 10) / 10 },
      'request',
    )
  }

  const count = (exchange: Exchange): void => {
    exchange.counted = true
    exchange.res.on('close', () => record(exchange))
  }

  const serveSite = (exchange: Exchange, target: Target): void => {
    const { req, res } = exchange
    if (!target.path.startsWith('/health')) limits.address.consume(addressKey(exchange.address), exchange.headers)
    for (const [name, value] of Object.entries({ ...security.page, ...exchange.headers })) res.setHeader(name, value)
    req.headers['x-request-id'] = exchange.requestId
    req.headers['traceparent'] = exchange.traceparent
    req.url = `${target.path}${target.search}`
    exchange.counted = true
    site(req, res, (error) =>
      fault(exchange, error ?? new Problem('not_found', { detail: 'there is no such address' })),
    )
  }

  const pass = async (exchange: Exchange, target: Target): Promise<void> => {
    if (!isTracing()) return api(exchange, target)
    const { req, res } = exchange
    const { traceparent } = req.headers
    const caller = isTraceparent(traceparent) ? traceparent : undefined
    serverSpan({ req, res, traceparent: caller, routeOf: () => exchange.route }, () => {
      exchange.traceparent = currentTraceparent() ?? exchange.traceparent
      api(exchange, target).catch((error: unknown) => fault(exchange, error))
    })
  }

  const serve = async (exchange: Exchange): Promise<void> => {
    const { req, res } = exchange
    if (!hasOneHost(req)) throw new Problem('malformed', { detail: 'there is more than one Host header' })
    const target = parseTarget(req.url)
    const site = target.segments[0] !== 'v1'
    if (!site) count(exchange)
    if (cors(req, res)) return
    if (site) serveSite(exchange, target)
    else await pass(exchange, target)
  }

  return (req: IncomingMessage, res: ServerResponse): void => {
    const exchange = openExchange(req, res, trustedProxies)
    res.on('error', ignore)
    serve(exchange).catch((error: unknown) => {
      if (!exchange.counted) count(exchange)
      fault(exchange, error)
    })
  }
}
