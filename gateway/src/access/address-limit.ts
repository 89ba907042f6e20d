import type { RequestHandler } from 'express'
import { networksOf } from '../request/client-address.ts'
import { stateOf } from '../request/request-state.ts'
import type { RateLimits } from './rate-limit.ts'

const refreshPaths = new Set(['/v1/auth/refresh', '/v1/auth/logout'])

/** Limits requests by address, before tokens are verified. `POST /v1/auth/*` has stricter limits, health checks have none. */
export const createAddressLimit =
  (limits: RateLimits): RequestHandler =>
  (req, res, next) => {
    const { target, address, headers } = stateOf(res)
    if (target.path.startsWith('/health')) return next()
    const networks = networksOf(address)
    limits.address.consume(networks, headers)
    const [version, resource] = target.segments
    if (version === 'v1' && resource === 'auth' && req.method === 'POST')
      limits[refreshPaths.has(target.path) ? 'refresh' : 'auth'].consume(networks, headers)
    next()
  }
