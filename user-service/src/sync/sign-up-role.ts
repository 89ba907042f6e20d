import type { ActorRef } from '@clientele/contracts/fields'
import type { User } from '@clientele/contracts/user'
import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import type { EventLogs } from '../keycloak/event-logs.ts'
import type { KeycloakUsers } from '../keycloak/keycloak-users.ts'
import type { Models } from '../models.ts'
import type { UserSync } from '../users/user-sync.ts'
import { forEachConcurrently } from './for-each-concurrently.ts'

type Deps = {
  db: Db
  models: Models
  keycloakUsers: KeycloakUsers
  eventLogs: EventLogs
  sync: UserSync
  log: Log
  signUpRole: 'user' | 'none'
}

const concurrency = 2

export type SignUpRole = ReturnType<typeof createSignUpRole>

/**
 * Gives a role to users who signed up at Keycloak's own page, or came from an identity provider: Keycloak creates them without
 * one. It is decided once for each user, by the setting of that moment, so that a role that an admin revokes does not come
 * back. Accounts that an admin creates in Keycloak's console get the roles that the admin grants.
 */
export const createSignUpRole = ({ db, models: { users }, keycloakUsers, eventLogs, sync, log, signUpRole }: Deps) => {
  const grantOnce = async (tx: Tx, id: string): Promise<void> => {
    if (signUpRole === 'none') return
    const row = await users.findByPk(id, { attributes: ['signUpRoleDecided', 'withheld'], transaction: tx })
    if (row?.signUpRoleDecided || row?.withheld) return
    const roles = await keycloakUsers.roles(id)
    if (roles && !roles.includes(signUpRole)) await keycloakUsers.setRoles(id, [...roles, signUpRole])
  }

  /** Grants the role to a user who signed up, unless that was decided before, and syncs the user. */
  const syncSignedUp = async (id: string, actor: ActorRef, tx: Tx): Promise<User | undefined> => {
    const user = await sync.syncUser(id, actor, tx, () => grantOnce(tx, id))
    await users.update({ signUpRoleDecided: true }, { where: { id }, transaction: tx })
    return user
  }

  return {
    syncSignedUp,
    /** Decides for users who signed up in the last week by Keycloak's event log, if no poll has handled that. */
    catchUp: async (signal: AbortSignal): Promise<void> => {
      const actor = actorRef(systemActor('user-service'))
      for await (const ids of eventLogs.signedUpUsers()) {
        if (signal.aborted) return
        const where = { id: ids, signUpRoleDecided: false, deletedAt: null }
        const rows = await users.findAll({ attributes: ['id'], where, raw: true })
        const failures = await forEachConcurrently(rows, concurrency, ({ id }) =>
          db.transaction((tx) => syncSignedUp(id, actor, tx)),
        )
        if (failures[0]) log.warn({ err: failures[0].error, users: failures.length }, 'roles were not granted')
      }
    },
  }
}
