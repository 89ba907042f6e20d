import { bearerToken, type VerifiedToken, type Verifier } from '@clientele/platform/auth/token-verifier'
import { Problem } from '@clientele/platform/runtime/problem'
import type { NextFunction, RequestHandler } from 'express'
import type { Found, Route, RouteIndex } from '../proxy/route-index.ts'
import { type RequestState, stateOf } from '../request/request-state.ts'
import type { RateLimits } from './rate-limit.ts'
import type { AccessRevocations } from './revocations.ts'

type Parts = { verifier: Verifier; revocations: AccessRevocations; limits: RateLimits; routes: RouteIndex }

const needsToken = (found: Found | undefined, authorization: string | undefined): boolean => {
  if (!found) return true
  if (!('route' in found)) return !found.public
  return found.route.access === 'token' || (found.route.access === 'optional' && authorization !== undefined)
}

const refusal = (found: Exclude<Found, { route: Route }> | undefined): Problem => {
  if (!found) return new Problem('not_found', { detail: 'there is no such address' })
  const allow = found.allow.join(', ')
  return new Problem('method_not_allowed', { detail: `this address knows ${allow}`, headers: { Allow: allow } })
}

/** The last step: only a known caller learns what else exists. */
const proceed = (found: Found | undefined, next: NextFunction): void => {
  if (found && 'route' in found) next()
  else throw refusal(found)
}

/** Finds the route of a `/v1` request and admits who may use it: token, revocations, rate limit of the user. */
export const createAdmission = ({ verifier, revocations, limits, routes }: Parts): RequestHandler => {
  const admit = (state: RequestState, token: VerifiedToken): void => {
    revocations.check(token)
    limits.user.consume(token.actor.id, state.headers)
    state.token = token
  }

  /** Done at once if the same token was verified moments ago. */
  const authenticate = (state: RequestState, authorization: string | undefined): Promise<void> | undefined => {
    const known = verifier.known(authorization)
    if (!known) return verifier.verify(bearerToken(authorization)).then((token) => admit(state, token))
    admit(state, known)
    return undefined
  }

  return (req, res, next) => {
    const state = stateOf(res)
    const found = routes(req.method, state.target.path)
    if (found && 'route' in found) {
      state.route = found.route
      state.routeName = found.route.template
    }
    const { authorization } = req.headers
    const pending = needsToken(found, authorization) ? authenticate(state, authorization) : undefined
    return pending ? pending.then(() => proceed(found, next)) : proceed(found, next)
  }
}
