import type { RequestHandler } from 'express'
import { addressKey } from '../request/client-address.ts'
import { stateOf } from '../request/request-state.ts'
import type { RateLimits } from './rate-limit.ts'

/** Limits requests by address, before tokens are looked at: `POST /v1/auth/*` more strictly, health checks not at all. */
export const createAddressLimit =
  (limits: RateLimits): RequestHandler =>
  (req, res, next) => {
    const { target, address, headers } = stateOf(res)
    if (target.path.startsWith('/health')) return next()
    const key = addressKey(address)
    limits.address.consume(key, headers)
    const [version, resource] = target.segments
    if (version === 'v1' && resource === 'auth' && req.method === 'POST') limits.auth.consume(key, headers)
    next()
  }
