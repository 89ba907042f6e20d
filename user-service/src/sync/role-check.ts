import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import { databaseTime } from '@clientele/platform/data/database-time'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { literal, Op } from 'sequelize'
import type { Journals } from '../keycloak/events.ts'
import { isGroupMissing } from '../keycloak/keycloak-fault.ts'
import type { People } from '../keycloak/people.ts'
import type { Models } from '../models.ts'
import type { UserModel } from '../users/user.model.ts'
import type { UserSync } from '../users/user-sync.ts'
import { inParallel } from './in-parallel.ts'

type Deps = { db: Db; models: Models; people: People; journals: Journals; sync: UserSync; log: Log }

const parallel = 2
/** Users looked at in one pass of the poller: some 30 calls a second while there is something to look at. */
const perPass = 50
/** Users whose roles are looked at again after each reconciliation, longest unseen first; administrators always. */
const perReconciliation = 2_000

export type RoleCheck = ReturnType<typeof createRoleCheck>

/**
 * A role that is given to a group or inside another role changes users' roles without an event of theirs. Those concerned
 * are marked and looked at one by one, administrators first: Keycloak has no way to read many users' effective roles at once.
 */
export const createRoleCheck = ({ db, models: { users }, people, journals, sync, log }: Deps) => {
  const again = (tx: Tx, ids: string[]) =>
    users.update({ rolesCheckedAt: null }, { where: { id: ids, deletedAt: null }, transaction: tx })

  const check = async ({ id, roles }: UserModel): Promise<void> => {
    const actual = await people.roles(id)
    if (actual && actual.join() === roles.join())
      await users.update({ rolesCheckedAt: databaseTime() }, { where: { id } })
    else await sync.sync(id, actorRef(systemActor('user-service')))
  }

  return {
    membersAgain: async (tx: Tx, groupId: string): Promise<void> => {
      try {
        for await (const ids of journals.members(groupId)) await again(tx, ids)
      } catch (error) {
        // Gone meanwhile: its removal is an event of its own.
        if (!isGroupMissing(error)) throw error
      }
    },
    everybodyAgain: async (tx: Tx): Promise<void> => {
      const where = { rolesCheckedAt: { [Op.ne]: null }, deletedAt: null }
      await users.update({ rolesCheckedAt: null }, { where, transaction: tx })
    },
    oldestAgain: async (): Promise<void> => {
      await db.query(
        `update users set roles_checked_at = null where deleted_at is null and (roles @> '{admin}' or id in (
           select id from users where deleted_at is null and roles_checked_at is not null order by roles_checked_at limit $1))`,
        [perReconciliation],
      )
    },
    /** Looks at some of those marked. */
    pass: async (): Promise<void> => {
      const marked = await users.findAll({
        attributes: ['id', 'roles'],
        where: { rolesCheckedAt: null, deletedAt: null },
        order: [[literal(`roles @> '{admin}'`), 'DESC']],
        limit: perPass,
      })
      const faults = await inParallel(marked, parallel, check)
      if (faults[0]) log.warn({ err: faults[0].error, users: faults.length }, 'roles were not checked')
    },
  }
}
