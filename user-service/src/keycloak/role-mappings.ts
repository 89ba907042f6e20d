import type { Role } from '@clientele/contracts/user'
import { Problem } from '@clientele/platform/runtime/problem'
import type RoleRepresentation from '@keycloak/keycloak-admin-client/lib/defs/roleRepresentation.js'
import type { AdminApi } from './admin-api.ts'
import { isUserMissing, problemOf } from './keycloak-fault.ts'

const productRoles: readonly Role[] = ['admin', 'user']

/** The product's roles among those of Keycloak; all others are of no concern here. */
const productRolesIn = (roles: RoleRepresentation[]): Role[] =>
  productRoles.filter((role) => roles.some(({ name }) => name === role))

const payloadOf = (roles: RoleRepresentation[]) => roles.map(({ id = '', name = '' }) => ({ id, name }))
const named = (roles: RoleRepresentation[], names: readonly string[]) =>
  roles.filter(({ name = '' }) => names.includes(name))

/** Who has which of the product's roles. Roles are found by a user's own lists: reading them by name would need more rights. */
export const createRoleMappings = (api: AdminApi) => {
  const effective = (id: string): Promise<Role[]> =>
    api.call((client) => client.users.listCompositeRealmRoleMappings({ id })).then(productRolesIn)

  const add = async (id: string, names: readonly Role[]): Promise<void> => {
    if (names.length === 0) return
    const available = await api.call((client) => client.users.listAvailableRealmRoleMappings({ id }))
    const roles = payloadOf(named(available, names))
    if (roles.length < names.length)
      throw new Problem('unavailable', {
        detail: 'the realm lacks a role of this product',
        headers: { 'Retry-After': '60' },
      })
    await api.call((client) => client.users.addRealmRoleMappings({ id, roles }))
  }

  const remove = async (id: string, names: readonly Role[]): Promise<void> => {
    const direct = await api.call((client) => client.users.listRealmRoleMappings({ id }))
    // Who registers gets the role user inside the realm's default role.
    const holders = names.includes('user') ? [...names, `default-roles-${api.realm}`] : names
    const roles = payloadOf(named(direct, holders))
    if (roles.length > 0) await api.call((client) => client.users.delRealmRoleMappings({ id, roles }))
  }

  const set = async (id: string, wanted: readonly Role[]): Promise<void> => {
    const target: readonly Role[] = wanted.includes('admin') ? productRoles : wanted
    const missingFrom = (present: Role[]) => target.filter((role) => !present.includes(role))
    const before = await effective(id)
    await add(id, missingFrom(before))
    const surplus = before.filter((role) => !target.includes(role))
    if (surplus.length === 0) return

    await remove(id, surplus)
    const after = await effective(id)
    // The role user may have come only inside the role admin.
    await add(id, missingFrom(after))
    const stuck = surplus.filter((role) => after.includes(role))
    if (stuck.length > 0)
      throw new Problem('invalid_state', {
        detail: `the role ${stuck.join(', ')} comes from a group or another role in Keycloak; change it there`,
      })
  }

  return {
    /** Effective roles: direct, by group and by composite; undefined when there is no such user. */
    of: (id: string): Promise<Role[] | undefined> =>
      effective(id).catch((error: unknown) => {
        if (isUserMissing(error)) return undefined
        throw problemOf(error)
      }),
    /**
     * Makes `wanted` the effective roles, as far as direct mappings can.
     * @throws Problem 409 `invalid_state` where a role comes from elsewhere
     */
    set: (id: string, wanted: readonly Role[]): Promise<void> =>
      set(id, wanted).catch((error: unknown) => {
        throw problemOf(error)
      }),
  }
}
