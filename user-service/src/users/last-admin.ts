import type { Db, Tx } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import { Op } from 'sequelize'
import type { People } from '../keycloak/people.ts'
import { takeLock } from './lock.ts'
import type { Users } from './user.model.ts'

const maxCandidates = 50

/**
 * Keeps one enabled administrator. The projection only proposes candidates; Keycloak decides. The lock is held to the end of
 * the transaction, in which the caller changes Keycloak: of two admins who demote each other, one is refused.
 */
export const createLastAdminGuard = ({ db, users, people }: { db: Db; users: Users; people: People }) => {
  const isAdmin = async (id: string): Promise<boolean> => {
    const [person, roles] = await Promise.all([people.person(id), people.roles(id)])
    return person?.enabled === true && roles?.includes('admin') === true
  }

  return {
    /** @throws Problem 409 `last_admin` when nobody but `id` is an enabled administrator */
    check: async (tx: Tx, id: string): Promise<void> => {
      await takeLock(db, tx, 'last admin')
      if (!(await isAdmin(id))) return
      const candidates = await users.findAll({
        attributes: ['id'],
        where: { id: { [Op.ne]: id }, roles: { [Op.contains]: ['admin'] }, enabled: true, deletedAt: null },
        order: [['lastLoginAt', 'DESC NULLS LAST']],
        limit: maxCandidates,
        transaction: tx,
      })
      for (const candidate of candidates) if (await isAdmin(candidate.id)) return
      throw new Problem('last_admin')
    },
  }
}
export type LastAdminGuard = ReturnType<typeof createLastAdminGuard>
