import type { Role } from '@clientele/contracts/user'
import { Problem } from '@clientele/platform/runtime/problem'
import type { AdminApi } from './admin-api.ts'
import { KeycloakError, toProblem } from './keycloak-error.ts'
import { createRoleMappings } from './role-mappings.ts'

/** The realm roles and groups that a user had directly, and the roles of this product that came from them. */
export type WithheldAccess = { roles: { id: string; name: string }[]; groups: string[]; productRoles: Role[] }

/** Takes from a user whatever gives access, and gives it back. Keycloak allows both whatever attributes the user lacks. */
export const createWithheldAccess = (api: AdminApi) => {
  const roleMappings = createRoleMappings(api)

  const giveBack = async (id: string, { roles, groups }: WithheldAccess): Promise<void> => {
    for (const groupId of groups)
      await api
        .call((client) => client.users.addToGroup({ id, groupId }))
        .catch((error: unknown) => {
          // The group was deleted meanwhile.
          if (!(error instanceof KeycloakError) || error.status !== 404) throw error
        })
    if (roles.length > 0) await api.call((client) => client.users.addRealmRoleMappings({ id, roles }))
  }

  const take = async (id: string): Promise<WithheldAccess> => {
    const productRoles = (await roleMappings.get(id)) ?? []
    const mapped = await api.call((client) => client.users.listRealmRoleMappings({ id }))
    const member = await api.call((client) => client.users.listGroups({ id, max: 1_000, briefRepresentation: true }))
    const roles = mapped.map((role) => ({ id: role.id ?? '', name: role.name ?? '' }))
    const groups = member.map((group) => group.id ?? '')
    const access = { roles, groups, productRoles }
    try {
      if (roles.length > 0) await api.call((client) => client.users.delRealmRoleMappings({ id, roles }))
      for (const groupId of groups) await api.call((client) => client.users.delFromGroup({ id, groupId }))
      const left = (await roleMappings.get(id)) ?? []
      if (left.length === 0) return access
      throw new Problem('invalid_state', {
        detail: `the role ${left.join(', ')} comes from a role of a client in Keycloak; remove it there`,
      })
    } catch (error) {
      await giveBack(id, access)
      throw error
    }
  }

  const withProblem = <T>(promise: Promise<T>): Promise<T> =>
    promise.catch((error: unknown) => {
      throw toProblem(error)
    })

  return {
    /** @throws Problem 409 `invalid_state` if a role cannot be taken */
    take: (id: string): Promise<WithheldAccess> => withProblem(take(id)),
    giveBack: (id: string, access: WithheldAccess): Promise<void> => withProblem(giveBack(id, access)),
  }
}
