import { serverSpan, statusOf } from '@clientele/platform/http/request-lifecycle'
import type { Log } from '@clientele/platform/runtime/log'
import { currentTraceparent, histogram, isTraceparent, isTracing } from '@clientele/platform/runtime/telemetry'
import type { Request, RequestHandler, Response } from 'express'
import { createRequestState, type RequestState } from './request-state.ts'

const ignore = (): void => {}

/** Gives every request its {@link RequestState}, one access line, one metric, and a span while tracing is on. */
export const createRequestTracker = ({ log, trustedProxies }: { log: Log; trustedProxies: number }) => {
  const duration = histogram('http_request_duration_seconds', 'Time to answer requests', ['method', 'route', 'status'])

  // Access lines contain no field that needs redaction; redaction would cost more than the line.
  const access = log.child({}, { redact: [] })

  const record = (req: Request, res: Response, state: RequestState): void => {
    const { requestId, traceparent, routeName: route, startedAt } = state
    const ms = performance.now() - startedAt
    const { method } = req
    const status = statusOf(res)
    duration.observe({ method, route, status }, ms / 1000)
    access.info(
      { requestId, traceId: traceparent.slice(3, 35), method, route, status, ms: Math.round(ms * 10) / 10 },
      'request',
    )
  }

  /** The state of a request, which is tracked from now on if it was not yet. */
  const track = (req: Request, res: Response): RequestState => {
    const known: RequestState | undefined = res.locals['state']
    if (known) return known
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
    const caller = isTraceparent(traceparent) ? traceparent : undefined
    serverSpan({ req, res, traceparent: caller, routeOf: () => state.routeName }, () => {
      state.traceparent = currentTraceparent() ?? state.traceparent
      next()
    })
  }

  return { track, middleware }
}
export type RequestTracker = ReturnType<typeof createRequestTracker>
