import { acquireLock } from '@clientele/platform/data/advisory-lock'
import type { Db, Tx } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import { Op } from 'sequelize'
import type { KeycloakUsers } from '../keycloak/keycloak-users.ts'
import type { Users } from '../users/user.model.ts'

const maxCandidates = 50

/**
 * Makes sure that one enabled admin remains. Candidates come from the projection, and each is checked in Keycloak. The lock is
 * held until the end of the transaction in which the caller changes Keycloak: of two admins who demote each other at the same
 * time, one gets 409.
 */
export const createLastAdminGuard = ({
  db,
  users,
  keycloakUsers,
}: {
  db: Db
  users: Users
  keycloakUsers: KeycloakUsers
}) => {
  const isAdmin = async (id: string): Promise<boolean> => {
    const [keycloakUser, roles] = await Promise.all([keycloakUsers.byId(id), keycloakUsers.roles(id)])
    return keycloakUser?.enabled === true && roles?.includes('admin') === true
  }

  return {
    /** @throws Problem 409 `last_admin` if `id` is the only enabled admin */
    check: async (tx: Tx, id: string): Promise<void> => {
      await acquireLock(db, tx, 'last admin')
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
