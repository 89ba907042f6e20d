import type { Role } from '@clientele/contracts/user'
import { Problem } from '@clientele/platform/runtime/problem'
import type RoleRepresentation from '@keycloak/keycloak-admin-client/lib/defs/roleRepresentation.js'
import type { AdminApi } from './admin-api.ts'
import { isUserMissing, toProblem } from './keycloak-error.ts'

const productRoles: readonly Role[] = ['admin', 'user']

/** The roles of this product; those of other applications in the realm are ignored. */
const productRolesIn = (roles: RoleRepresentation[]): Role[] =>
  productRoles.filter((role) => roles.some(({ name }) => name === role))

const toPayload = (roles: RoleRepresentation[]) => roles.map(({ id = '', name = '' }) => ({ id, name }))
const withNames = (roles: RoleRepresentation[], names: readonly string[]) =>
  roles.filter(({ name = '' }) => names.includes(name))

/**
 * Reads and sets users' roles. A role is looked up in the lists of the user, because reading it by name would require further
 * permissions in Keycloak.
 */
export const createRoleMappings = (api: AdminApi) => {
  const effectiveRoles = (id: string): Promise<Role[]> =>
    api.call((client) => client.users.listCompositeRealmRoleMappings({ id })).then(productRolesIn)

  const add = async (id: string, names: readonly Role[]): Promise<void> => {
    if (names.length === 0) return
    const available = await api.call((client) => client.users.listAvailableRealmRoleMappings({ id }))
    const roles = toPayload(withNames(available, names))
    if (roles.length < new Set(names).size)
      throw new Problem('unavailable', {
        detail: 'the realm has no role user or admin',
        headers: { 'Retry-After': '60' },
      })
    await api.call((client) => client.users.addRealmRoleMappings({ id, roles }))
  }

  const remove = async (id: string, names: readonly Role[]): Promise<void> => {
    const direct = await api.call((client) => client.users.listRealmRoleMappings({ id }))
    const removeDirect = async (roleNames: readonly string[]): Promise<void> => {
      const roles = toPayload(withNames(direct, roleNames))
      if (roles.length > 0) await api.call((client) => client.users.delRealmRoleMappings({ id, roles }))
    }
    await removeDirect(names)
    // In realms of earlier versions, users also have the role user by the realm's default role.
    if (names.includes('user') && (await effectiveRoles(id)).includes('user'))
      await removeDirect([`default-roles-${api.realm}`])
  }

  const set = async (id: string, wanted: readonly Role[]): Promise<void> => {
    const target: readonly Role[] = wanted.includes('admin') ? productRoles : wanted
    const missingFrom = (present: Role[]) => target.filter((role) => !present.includes(role))
    const before = await effectiveRoles(id)
    await add(id, missingFrom(before))
    const toRevoke = before.filter((role) => !target.includes(role))
    if (toRevoke.length === 0) return

    await remove(id, toRevoke)
    const after = await effectiveRoles(id)
    // A user may have had the role user only through the role admin.
    await add(id, missingFrom(after))
    const notRevoked = toRevoke.filter((role) => after.includes(role))
    if (notRevoked.length > 0)
      throw new Problem('invalid_state', {
        detail: `the role ${notRevoked.join(', ')} comes from a group or another role in Keycloak; remove it there`,
      })
  }

  return {
    /** Effective roles: assigned directly, by a group or by a composite role. Undefined if there is no such user. */
    get: (id: string): Promise<Role[] | undefined> =>
      effectiveRoles(id).catch((error: unknown) => {
        if (isUserMissing(error)) return undefined
        throw toProblem(error)
      }),
    /**
     * Makes `wanted` the effective roles by adding and removing direct assignments. The role admin includes user.
     * @throws Problem 409 `invalid_state` if a role to remove comes from a group or a composite role
     */
    set: (id: string, wanted: readonly Role[]): Promise<void> =>
      set(id, wanted).catch((error: unknown) => {
        throw toProblem(error)
      }),
  }
}
