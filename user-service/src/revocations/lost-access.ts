import type { Revocation } from '@clientele/contracts/revocation'
import type { Role } from '@clientele/contracts/user'
import type { KeycloakSession } from '../keycloak/user-sessions.ts'

const secondOf = (ms: number): number => Math.floor(ms / 1_000)
const iso = (ms: number): string => new Date(ms).toISOString()

/** Revokes the tokens of these sessions. */
export const ofSessions = (userId: string, sessionIds: string[], at = Date.now()): Revocation[] =>
  sessionIds.map((sessionId) => ({ userId, sessionId, notBefore: iso(at) }))

/** Revokes the tokens that carry roles which the user has lost. Tokens that were issued since have them no more. */
export const ofRoles = (userId: string, roles: Role[], at = Date.now()): Revocation[] =>
  roles.map((role) => ({ userId, role, notBefore: iso(at) }))

/**
 * Revokes what a user had whose sessions were listed and then all ended at `at`: the tokens of those sessions, and all of earlier
 * seconds. A token of the same second that belongs to none of them is of a new session.
 */
export const ofListedSessions = (userId: string, sessionIds: string[], at: number): Revocation[] => [
  { userId, notBefore: iso(secondOf(at) * 1_000 - 1) },
  ...ofSessions(userId, sessionIds, at),
]

/**
 * Revokes all tokens of the second of `at` or earlier, but not those of the sessions that began in that second or before and
 * are `kept`.
 */
export const ofUser = (userId: string, at: number, kept: KeycloakSession[] = []): Revocation => {
  const keptSessions = kept.filter(({ startedAt }) => secondOf(startedAt) <= secondOf(at)).map(({ id }) => id)
  return { userId, notBefore: iso(at), ...(keptSessions.length > 0 && { keptSessions }) }
}
