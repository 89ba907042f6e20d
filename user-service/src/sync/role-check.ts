import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import { databaseTime } from '@clientele/platform/data/database-time'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { literal, Op } from 'sequelize'
import type { EventLogs } from '../keycloak/event-logs.ts'
import { isGroupMissing } from '../keycloak/keycloak-error.ts'
import type { KeycloakUsers } from '../keycloak/keycloak-users.ts'
import type { Models } from '../models.ts'
import type { UserModel } from '../users/user.model.ts'
import type { UserSync } from '../users/user-sync.ts'
import { forEachConcurrently } from './for-each-concurrently.ts'

type Deps = { db: Db; models: Models; keycloakUsers: KeycloakUsers; eventLogs: EventLogs; sync: UserSync; log: Log }

const concurrency = 2
/** Users that are checked after each poll. With a poll every 1.5 s that is about 30 calls a second. */
const usersPerPoll = 50
/** Users that each reconciliation marks besides all administrators, those checked longest ago first. */
const usersPerReconciliation = 2_000

export type RoleCheck = ReturnType<typeof createRoleCheck>

/**
 * Checks the roles of users whose roles may have changed without an event that names them, for example because their group
 * got a role. Such users are marked by `roles_checked_at = null`, and then read one by one, administrators first: Keycloak
 * cannot list the effective roles of many users at once.
 */
export const createRoleCheck = ({ db, models: { users }, keycloakUsers, eventLogs, sync, log }: Deps) => {
  const mark = (tx: Tx, ids: string[]) =>
    users.update({ rolesCheckedAt: null }, { where: { id: ids, deletedAt: null }, transaction: tx })

  const checkUser = async ({ id, roles }: UserModel): Promise<void> => {
    const actual = await keycloakUsers.roles(id)
    if (actual && actual.join() === roles.join())
      await users.update({ rolesCheckedAt: databaseTime() }, { where: { id } })
    else await sync.syncUser(id, actorRef(systemActor('user-service')))
  }

  return {
    /** Marks the members of a group and of its subgroups. */
    markGroupMembers: async (tx: Tx, groupId: string): Promise<void> => {
      try {
        for await (const ids of eventLogs.groupMembers(groupId)) await mark(tx, ids)
      } catch (error) {
        // The group was deleted meanwhile, which has an event of its own.
        if (!isGroupMissing(error)) throw error
      }
    },
    markAll: async (tx: Tx): Promise<void> => {
      const where = { rolesCheckedAt: { [Op.ne]: null }, deletedAt: null }
      await users.update({ rolesCheckedAt: null }, { where, transaction: tx })
    },
    /** Marks all administrators, and the users that were checked longest ago. */
    markOldest: async (): Promise<void> => {
      await db.query(
        `update users set roles_checked_at = null where deleted_at is null and (roles @> '{admin}' or id in (
           select id from users where deleted_at is null and roles_checked_at is not null order by roles_checked_at limit $1))`,
        [usersPerReconciliation],
      )
    },
    /** Checks up to 50 of the marked users. */
    checkMarked: async (): Promise<void> => {
      const marked = await users.findAll({
        attributes: ['id', 'roles'],
        where: { rolesCheckedAt: null, deletedAt: null },
        order: [[literal(`roles @> '{admin}'`), 'DESC']],
        limit: usersPerPoll,
      })
      const failures = await forEachConcurrently(marked, concurrency, checkUser)
      if (failures[0]) log.warn({ err: failures[0].error, users: failures.length }, 'roles could not be checked')
    },
  }
}
