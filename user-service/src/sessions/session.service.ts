import { maxListedSessions, type UserSession } from '@clientele/contracts/user'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import type { KeycloakUsers } from '../keycloak/keycloak-users.ts'
import type { KeycloakSession } from '../keycloak/user-sessions.ts'
import { ofSessions } from '../revocations/lost-access.ts'
import type { UserService } from '../users/user.service.ts'
import type { UserSync } from '../users/user-sync.ts'
import type { SignIns } from './sign-in.model.ts'
import { deleteSignIn } from './sign-ins.ts'

type Deps = { db: Db; signIns: SignIns; keycloakUsers: KeycloakUsers; sync: UserSync; service: UserService }

export type SessionService = ReturnType<typeof createSessionService>

const presentSession = (session: KeycloakSession, actor: Actor): UserSession => ({
  id: session.id,
  startedAt: new Date(session.startedAt).toISOString(),
  lastUsedAt: new Date(session.usedAt).toISOString(),
  clients: session.clients,
  ipAddress: session.ipAddress,
  offline: session.isOffline,
  current: session.id === actor.sessionId,
})

/** Lists the sessions of a user, and ends one of them. */
export const createSessionService = ({ db, signIns, keycloakUsers, sync, service }: Deps) => ({
  /** The sessions that were used last. @throws Problem 404 if there is no such user */
  list: async (userId: string, actor: Actor): Promise<UserSession[]> => {
    await service.get(userId)
    const sessions = await keycloakUsers.sessions.list(userId)
    return sessions
      .toSorted((a, b) => b.usedAt - a.usedAt)
      .slice(0, maxListedSessions)
      .map((session) => presentSession(session, actor))
  },

  /** Ends a session and revokes its tokens; the user's other sessions go on. @throws Problem 404 if it is not the user's */
  end: async (userId: string, sessionId: string, actor: Actor): Promise<void> => {
    await service.get(userId)
    await db.transaction(async (tx) => {
      await sync.lock(tx, userId)
      const found = (await keycloakUsers.sessions.list(userId)).filter(({ id }) => id === sessionId)
      if (found.length === 0) throw new Problem('not_found', { detail: 'the user has no such session' })
      for (const session of found) await keycloakUsers.sessions.end(session)
      await deleteSignIn(signIns, tx, sessionId)
      await sync.recordSignOut(tx, userId, ofSessions(userId, [sessionId]), actorRef(actor))
    })
  },
})
