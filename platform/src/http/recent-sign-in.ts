import type { Actor } from '../auth/token-verifier.ts'
import { Problem } from '../runtime/problem.ts'
import type { RouteDefinition } from './route-definition.ts'

const maxAgeSeconds = 300
const detail = 'this change requires a sign-in of the last five minutes; sign in again'

/** The challenge of RFC 9470, section 3. */
export const signInChallenge = `Bearer error="insufficient_user_authentication", error_description="${detail}", max_age="${maxAgeSeconds}"`

/** Finds the last sign-in of an actor, in seconds since 1970. Undefined if the session is not known. */
export type FindSignIn = (actor: Actor) => Promise<number | undefined>

type Declared = Pick<RouteDefinition, 'recentSignIn'>

/** Whether a request needs a recent sign-in, by the route's `recentSignIn` and the fields of the body. */
export const needsRecentSignIn = ({ recentSignIn }: Declared, body: unknown): boolean =>
  recentSignIn === true ||
  (recentSignIn !== undefined &&
    typeof body === 'object' &&
    body !== null &&
    recentSignIn.some((field) => (body as Record<string, unknown>)[field] !== undefined))

/** @throws Problem 401 `reauthentication_required` if the actor's last sign-in is not known or more than five minutes ago */
export const checkSignIn = async (actor: Actor, findSignIn?: FindSignIn): Promise<void> => {
  const signedInAt = actor.signedInAt ?? (await findSignIn?.(actor))
  if (signedInAt !== undefined && Date.now() / 1000 - signedInAt <= maxAgeSeconds) return
  throw new Problem('reauthentication_required', { detail, headers: { 'WWW-Authenticate': signInChallenge } })
}

/** What the documentation of a route says about it. */
export const recentSignInText = ({ recentSignIn }: Declared): string | undefined => {
  if (recentSignIn === undefined) return undefined
  if (recentSignIn === true) return 'Requires a sign-in of the last five minutes.'
  return `With ${recentSignIn.map((field) => `\`${field}\``).join(' or ')} it requires a sign-in of the last five minutes.`
}
