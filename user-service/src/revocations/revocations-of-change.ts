import type { Revocation } from '@clientele/contracts/revocation'
import { currentLog } from '@clientele/platform/runtime/log'
import type { KeycloakUser, KeycloakUsers } from '../keycloak/keycloak-users.ts'
import type { UserChange } from '../users/user-change.ts'
import { ofListedSessions, ofRoles, ofSessions, ofUser } from './lost-access.ts'

/** The sessions that were ended with a change, all that the user had. */
export type EndedSessions = string[]

/** Finds out what a change of a user revokes. The sessions of a user who was disabled are ended first. */
export const createRevocationsOfChange = (keycloakUsers: KeycloakUsers) => {
  /** Ends the sessions of a disabled user, which Keycloak itself keeps. @returns the new `notBefore`, and what it revokes */
  const endSessions = async ({ id, ...before }: KeycloakUser) => {
    try {
      const ended = await keycloakUsers.signOut(id)
      const notBefore = (await keycloakUsers.byId(id))?.notBefore ?? before.notBefore
      return { notBefore, revocations: ofListedSessions(id, ended, notBefore * 1_000) }
    } catch (error) {
      currentLog().warn({ err: error }, 'the sessions of a disabled user could not be ended in Keycloak')
      return { notBefore: before.notBefore, revocations: [ofUser(id, Date.now())] }
    }
  }

  /** What a user lost who was signed out in Keycloak. Keycloak lists only sessions that began since, but for offline ones. */
  const afterSignOut = async ({ id, notBefore }: KeycloakUser): Promise<Revocation> => {
    const sessions = await keycloakUsers.sessions.list(id)
    const at = notBefore * 1_000
    const isNew = (session: (typeof sessions)[number]) => !session.isOffline && session.startedAt >= at
    return ofUser(id, at, sessions.filter(isNew))
  }

  /** @returns what the change revokes, and the user's `notBefore` after it */
  return async (keycloakUser: KeycloakUser, change: UserChange, ended: EndedSessions | undefined) => {
    const { id, notBefore } = keycloakUser
    const roles = ofRoles(id, change.revoked)
    if (change.disabled) {
      const result = await endSessions(keycloakUser)
      return { ...result, revocations: [...result.revocations, ...ofSessions(id, ended ?? []), ...roles] }
    }
    if (ended) return { notBefore, revocations: [...ofListedSessions(id, ended, notBefore * 1_000), ...roles] }
    return { notBefore, revocations: change.signedOut ? [await afterSignOut(keycloakUser), ...roles] : roles }
  }
}
