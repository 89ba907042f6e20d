import { statusOf, withServerSpan } from '@clientele/platform/http/request-lifecycle'
import type { Log } from '@clientele/platform/runtime/log'
import { currentTraceparent, histogram, isTraceparent, isTracing } from '@clientele/platform/runtime/telemetry'
import type { Request, RequestHandler, Response } from 'express'
import { createRequestState, type RequestState } from './request-state.ts'

const ignore = (): void => {}

/**
 * Creates the {@link RequestState} of every request and records one access log line, one metric and, if tracing is on, a span.
 */
export const createRequestTracker = ({ log, trustedProxies }: { log: Log; trustedProxies: number }) => {
  const duration = histogram('http_request_duration_seconds', 'Duration of requests', ['method', 'route', 'status'])

  // Access log lines have no field to redact, and redaction would cost more than the line.
  const access = log.child({}, { redact: [] })

  const record = (req: Request, res: Response, state: RequestState): void => {
    const { requestId, traceparent, routeName: route, startedAt, streamingSince } = state
    const ms = performance.now() - startedAt
    const { method } = req
    const status = streamingSince === undefined ? statusOf(res) : res.statusCode
    duration.observe({ method, route, status }, ((streamingSince ?? performance.now()) - startedAt) / 1000)
    access.info(
      { requestId, traceId: traceparent.slice(3, 35), method, route, status, ms: Math.round(ms * 10) / 10 },
      'request',
    )
  }

  /** Returns the state of a request and starts tracking it, unless it is tracked already. */
  const track = (req: Request, res: Response): RequestState => {
    const existing: RequestState | undefined = res.locals['state']
    if (existing) return existing
    const state = createRequestState(req, trustedProxies)
    res.locals['state'] = state
    res.on('error', ignore)
    res.on('close', () => record(req, res, state))
    return state
  }

  const middleware: RequestHandler = (req, res, next) => {
    const state = track(req, res)
    if (!isTracing()) return next()
    const { traceparent } = req.headers
    const parent = isTraceparent(traceparent) ? traceparent : undefined
    withServerSpan({ req, res, traceparent: parent, routeOf: () => state.routeName }, () => {
      state.traceparent = currentTraceparent() ?? state.traceparent
      next()
    })
  }

  return { track, middleware }
}
export type RequestTracker = ReturnType<typeof createRequestTracker>
