import type { IncomingMessage } from 'node:http'
import { type Actor, bearerToken, isAdmin, type TokenVerifier } from '../auth/token-verifier.ts'
import { Problem } from '../runtime/problem.ts'
import type { Access } from './route-definition.ts'

const anonymous: Actor = { id: 'anonymous', displayName: 'anonymous', roles: [], token: '' }

/**
 * Returns the actor of a request: the anonymous actor on a public route, and on an optional one without a token.
 * @throws Problem 401 without a valid token, 403 without the role
 */
export const authenticate = async (verifier: TokenVerifier, access: Access, req: IncomingMessage): Promise<Actor> => {
  const { authorization } = req.headers
  if (access === 'public' || (access === 'optional' && authorization === undefined)) return anonymous
  const { actor } = await verifier.verify(bearerToken(authorization))
  const role = access === 'optional' ? 'user' : access[0]
  if (!actor.roles.includes(role) && !isAdmin(actor))
    throw new Problem('forbidden', { detail: `requires the role ${role}` })
  return actor
}
