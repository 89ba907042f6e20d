import type { IncomingMessage } from 'node:http'
import type { VerifiedToken } from '@clientele/platform/auth/token-verifier'
import { requestIdOf } from '@clientele/platform/http/request-lifecycle'
import { pooledRandomBytes } from '@clientele/platform/runtime/random'
import { isTraceparent } from '@clientele/platform/runtime/telemetry'
import type { Response } from 'express'
import type { Route } from '../proxy/route-index.ts'
import { clientAddress } from './client-address.ts'
import type { OutgoingHeaders } from './header-rules.ts'
import type { Target } from './request-target.ts'

/** What the middlewares know about a request. It is kept in `res.locals.state`. */
export type RequestState = {
  requestId: string
  /** The W3C trace context that is forwarded. */
  traceparent: string
  address: string
  /** Headers of every response to this request, errors included. */
  headers: OutgoingHeaders
  /** The route's template for log and metrics, or `none`. */
  routeName: string
  /** From {@link performance.now}. */
  startedAt: number
  /** When a response that does not end by itself began. It counts as the end of the request in metrics. */
  streamingSince: number | undefined
  target: Target
  /** Set when a request to a service is admitted. */
  route: Route | undefined
  /** Undefined for an anonymous request. */
  token: VerifiedToken | undefined
}

const newTraceparent = (): string => {
  const hex = pooledRandomBytes(24).toString('hex')
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-01`
}

const initialTarget: Target = { path: '/', segments: [], search: '' }

/** Creates the state of a new request: its id (the client's if it is well-formed), trace and client address. */
export const createRequestState = (req: IncomingMessage, trustedProxies: number): RequestState => {
  const requestId = requestIdOf(req.headers['x-request-id'])
  const { traceparent } = req.headers
  return {
    requestId,
    traceparent: isTraceparent(traceparent) ? traceparent : newTraceparent(),
    address: clientAddress(req, trustedProxies),
    headers: { 'x-request-id': requestId, vary: 'Origin' },
    routeName: 'none',
    startedAt: performance.now(),
    streamingSince: undefined,
    target: initialTarget,
    route: undefined,
    token: undefined,
  }
}

/** The state of a request. It is available after the tracker's middleware. */
export const stateOf = (res: Response): RequestState => res.locals['state']

/** Whether the client wants an HTML page. Browsers ask for `text/html`; scripts and tools accept anything. */
export const wantsHtml = (req: IncomingMessage): boolean => (req.headers.accept ?? '').includes('text/html')
