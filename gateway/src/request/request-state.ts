import type { IncomingMessage, ServerResponse } from 'node:http'
import { requestIdOf } from '@clientele/platform/http/request-lifecycle'
import { pooledRandom } from '@clientele/platform/runtime/random'
import { isTraceparent } from '@clientele/platform/runtime/telemetry'
import { clientAddress } from './client-address.ts'
import type { OutHeaders } from './header-rules.ts'

/** One request on its way through the gateway. */
export type Exchange = {
  req: IncomingMessage
  res: ServerResponse
  requestId: string
  traceparent: string
  address: string
  /** Headers of the answer, whatever it will be; lower-case names. */
  headers: OutHeaders
  /** For log and metrics: the route's template. */
  route: string
  startedAt: number
  /** Whether somebody logs and counts it once it is answered. */
  counted: boolean
}

/** A W3C traceparent. */
const newTraceparent = (): string => {
  const hex = pooledRandom(24).toString('hex')
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-01`
}

/** Gives a request its id (the caller's, where it is a plain one), its trace and its client address. */
export const openExchange = (req: IncomingMessage, res: ServerResponse, trustedProxies: number): Exchange => {
  const requestId = requestIdOf(req.headers['x-request-id'])
  const { traceparent } = req.headers
  return {
    req,
    res,
    requestId,
    traceparent: isTraceparent(traceparent) ? traceparent : newTraceparent(),
    address: clientAddress(req, trustedProxies),
    headers: { 'x-request-id': requestId, vary: 'Origin' },
    route: 'none',
    startedAt: performance.now(),
    counted: false,
  }
}

/** Whether a browser wants a page: scripts and tools accept anything, people's browsers name HTML. */
export const wantsHtml = (req: IncomingMessage): boolean => (req.headers.accept ?? '').includes('text/html')
