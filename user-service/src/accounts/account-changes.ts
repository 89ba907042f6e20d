import type { Role } from '@clientele/contracts/user'
import type { Tx } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import type { KeycloakUserFields, KeycloakUsers } from '../keycloak/keycloak-users.ts'
import type { WithheldAccess } from '../keycloak/withheld-access.ts'
import type { Users } from '../users/user.model.ts'

/**
 * Changes accounts in Keycloak. Keycloak refuses every update of a user who lacks an attribute that the realm requires, also
 * one that only disables the user. Then roles and groups are taken from the user instead, and kept in the row until the user
 * is enabled again; the projection shows the user as disabled, with the former roles.
 */
export const createAccountChanges = ({ users, keycloakUsers }: { users: Users; keycloakUsers: KeycloakUsers }) => {
  const withheldFrom = async (tx: Tx, id: string): Promise<WithheldAccess | null> =>
    (await users.findByPk(id, { attributes: ['withheld'], transaction: tx }))?.withheld ?? null

  const setWithheld = (tx: Tx, id: string, withheld: WithheldAccess | null) =>
    users.update({ withheld }, { where: { id }, transaction: tx })

  const letIn = async (tx: Tx, id: string, withheld: WithheldAccess, fields: KeycloakUserFields): Promise<void> => {
    const { enabled: _enabled, ...others } = fields
    const isEnabled = (await keycloakUsers.byId(id))?.enabled === true
    const changes = isEnabled ? others : fields
    if (Object.keys(changes).length > 0) await keycloakUsers.update(id, changes)
    await keycloakUsers.withheldAccess.giveBack(id, withheld)
    await setWithheld(tx, id, null)
  }

  return {
    /** Updates the fields of an account. Disabling alone always works. */
    update: async (tx: Tx, id: string, fields: KeycloakUserFields): Promise<void> => {
      const withheld = fields.enabled === true ? await withheldFrom(tx, id) : null
      if (withheld !== null) return letIn(tx, id, withheld, fields)
      try {
        await keycloakUsers.update(id, fields)
      } catch (error) {
        const onlyDisables = fields.enabled === false && Object.keys(fields).length === 1
        if (!onlyDisables || !(error instanceof Problem) || error.code !== 'validation') throw error
        await setWithheld(tx, id, await keycloakUsers.withheldAccess.take(id))
      }
    },

    /** @throws Problem 409 `invalid_state` while the roles are withheld, unless they stay the same */
    setRoles: async (tx: Tx, id: string, roles: readonly Role[]): Promise<void> => {
      const withheld = await withheldFrom(tx, id)
      if (withheld === null) return keycloakUsers.setRoles(id, roles)
      const wanted = new Set(roles.includes('admin') ? [...roles, 'user'] : roles)
      const isSame = [...withheld.productRoles].sort().join() === [...wanted].sort().join()
      if (!isSame) throw new Problem('invalid_state', { detail: 'the user is disabled; enable them first' })
    },
  }
}
