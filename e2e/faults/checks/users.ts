import { realmAdmin } from '@clientele/platform/testing/realm'
import type { Ledger } from '../ledger.ts'
import type { Query } from './query.ts'

type UserSnapshot = { username: string; email: string | null; surname: string | null; enabled: boolean; roles: string }
const maxErrors = 20
const productRoles = ['admin', 'user']

type Found = { id: string; username: string; email?: string; lastName?: string; enabled: boolean }

/** Reads all users of the realm through Keycloak's Admin API. */
const readKeycloak = async (): Promise<Map<string, UserSnapshot>> => {
  const { call } = realmAdmin()
  const { body } = await call<Found[]>('GET', '/users?max=100000')
  const users = new Map<string, UserSnapshot>()
  for (const { id, username, email = null, lastName = null, enabled } of body) {
    if (username.startsWith('service-account-')) continue
    const { body: roles } = await call<{ name: string }[]>('GET', `/users/${id}/role-mappings/realm/composite`)
    const names = roles.map(({ name }) => name).filter((name) => productRoles.includes(name))
    users.set(id, { username, email, surname: lastName || null, enabled, roles: names.sort().join() })
  }
  return users
}

const readProjection = async (query: Query): Promise<Map<string, UserSnapshot>> => {
  const rows = await query<Omit<UserSnapshot, 'roles'> & { id: string; roles: string[] }>(
    'user-service',
    'select id, username, email, surname, enabled, roles from users where deleted_at is null',
    [],
  )
  return new Map(rows.map(({ id, roles, ...person }) => [id, { ...person, roles: [...roles].sort().join() }]))
}

/** Compares all users in Keycloak, in the projection of user-service and in the ledger. @returns the differences */
export const checkUsers = async (query: Query, { users, signUps }: Ledger): Promise<string[]> => {
  const [keycloak, projection] = [await readKeycloak(), await readProjection(query)]
  const errors: string[] = []
  for (const id of new Set([...keycloak.keys(), ...projection.keys()])) {
    const [inKeycloak, inProjection] = [keycloak.get(id), projection.get(id)]
    const same =
      inKeycloak &&
      inProjection &&
      Object.entries(inKeycloak).every(([name, value]) => inProjection[name as keyof UserSnapshot] === value)
    if (!same)
      errors.push(
        `${id} is ${JSON.stringify(inKeycloak)} in Keycloak, ${JSON.stringify(inProjection)} in the projection`,
      )
  }
  for (const { id, surname, enabled, admin, state, certain } of users) {
    if (!certain) continue
    const actualUser = keycloak.get(id)
    if (
      state === 'deleted'
        ? actualUser
        : actualUser?.surname !== surname ||
          actualUser.enabled !== enabled ||
          actualUser.roles.includes('admin') !== admin
    )
      errors.push(
        `${id} is ${JSON.stringify(actualUser)} instead of the acknowledged ${JSON.stringify({ surname, enabled, admin, state })}`,
      )
  }
  const addresses = new Set([...keycloak.values()].map(({ email }) => email))
  for (const { email } of signUps) if (!addresses.has(email)) errors.push(`${email} signed up but does not exist`)
  return errors.slice(0, maxErrors)
}
