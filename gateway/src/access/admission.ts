import { bearerToken, type TokenVerifier, type VerifiedToken } from '@clientele/platform/auth/token-verifier'
import { Problem } from '@clientele/platform/runtime/problem'
import type { NextFunction, RequestHandler } from 'express'
import type { Route, RouteIndex, RouteMatch } from '../proxy/route-index.ts'
import { type RequestState, stateOf } from '../request/request-state.ts'
import type { RateLimits } from './rate-limit.ts'

type Deps = { verifier: TokenVerifier; limits: RateLimits; findRoute: RouteIndex }

const needsToken = (match: RouteMatch | undefined, authorization: string | undefined): boolean => {
  if (!match) return true
  if (!('route' in match)) return !match.public
  return match.route.access === 'token' || (match.route.access === 'optional' && authorization !== undefined)
}

const problemFor = (match: Exclude<RouteMatch, { route: Route }> | undefined): Problem => {
  if (!match) return new Problem('not_found', { detail: 'path not found' })
  const allow = match.allow.join(', ')
  return new Problem('method_not_allowed', { detail: `allowed methods: ${allow}`, headers: { Allow: allow } })
}

/** Runs after authentication, so that only an authenticated client learns which paths and methods exist. @throws Problem 404, 405 */
const continueIfFound = (match: RouteMatch | undefined, next: NextFunction): void => {
  if (match && 'route' in match) next()
  else throw problemFor(match)
}

/** Finds the route of a `/v1` request, verifies its token, which must not be revoked, and applies the user's rate limit. */
export const createAdmission = ({ verifier, limits, findRoute }: Deps): RequestHandler => {
  const admit = (state: RequestState, token: VerifiedToken): void => {
    limits.user.consume(token.actor.id, state.headers)
    state.token = token
  }

  /** Synchronous if the same token was verified recently. */
  const authenticate = (state: RequestState, authorization: string | undefined): Promise<void> | undefined => {
    const verified = verifier.cached(authorization)
    if (!verified) return verifier.verify(bearerToken(authorization)).then((token) => admit(state, token))
    admit(state, verified)
    return undefined
  }

  return (req, res, next) => {
    const state = stateOf(res)
    const match = findRoute(req.method, state.target.path)
    if (match && 'route' in match) {
      state.route = match.route
      state.routeName = match.route.template
    }
    const { authorization } = req.headers
    const pending = needsToken(match, authorization) ? authenticate(state, authorization) : undefined
    return pending ? pending.then(() => continueIfFound(match, next)) : continueIfFound(match, next)
  }
}
