import type { IncomingMessage } from 'node:http'
import type { VerifiedToken } from '@clientele/platform/auth/token-verifier'
import { requestIdOf } from '@clientele/platform/http/request-lifecycle'
import { pooledRandom } from '@clientele/platform/runtime/random'
import { isTraceparent } from '@clientele/platform/runtime/telemetry'
import type { Response } from 'express'
import type { Route } from '../proxy/route-index.ts'
import { clientAddress } from './client-address.ts'
import type { OutHeaders } from './header-rules.ts'
import type { Target } from './request-target.ts'

/** What the middlewares know about a request; kept in `res.locals.state`. */
export type RequestState = {
  requestId: string
  /** W3C trace context that is passed on. */
  traceparent: string
  address: string
  /** Headers of the response, whatever it will be; lower-case names. */
  headers: OutHeaders
  /** For log and metrics: the route's template, or `none`. */
  routeName: string
  /** From {@link performance.now}. */
  startedAt: number
  target: Target
  /** Of a request to a service: set when it is admitted. */
  route: Route | undefined
  /** Undefined for an anonymous caller. */
  token: VerifiedToken | undefined
}

const newTraceparent = (): string => {
  const hex = pooledRandom(24).toString('hex')
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-01`
}

const unreadTarget: Target = { path: '/', segments: [], search: '' }

/** A new request: its id (the caller's, if it is well-formed), its trace and its client address. */
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
    target: unreadTarget,
    route: undefined,
    token: undefined,
  }
}

/** The state of a request that is tracked: of every request behind the first middleware. */
export const stateOf = (res: Response): RequestState => res.locals['state']

/** Whether a browser wants a page: scripts and tools accept anything, people's browsers name HTML. */
export const wantsHtml = (req: IncomingMessage): boolean => (req.headers.accept ?? '').includes('text/html')
