import { realmAdmin } from '@clientele/platform/testing/realm'
import type { Ledger } from '../ledger.ts'
import type { Query } from './query.ts'

type Person = { username: string; email: string | null; surname: string | null; enabled: boolean; roles: string }
const most = 20
const ours = ['admin', 'user']

type Found = { id: string; username: string; email?: string; lastName?: string; enabled: boolean }

/** All people of the realm as its own Admin API tells. */
const fromKeycloak = async (): Promise<Map<string, Person>> => {
  const { call } = realmAdmin()
  const { body } = await call<Found[]>('GET', '/users?max=100000')
  const people = new Map<string, Person>()
  for (const { id, username, email = null, lastName = null, enabled } of body) {
    if (username.startsWith('service-account-')) continue
    const { body: roles } = await call<{ name: string }[]>('GET', `/users/${id}/role-mappings/realm/composite`)
    const names = roles.map(({ name }) => name).filter((name) => ours.includes(name))
    people.set(id, { username, email, surname: lastName || null, enabled, roles: names.sort().join() })
  }
  return people
}

const projected = async (query: Query): Promise<Map<string, Person>> => {
  const rows = await query<Omit<Person, 'roles'> & { id: string; roles: string[] }>(
    'user-service',
    'select id, username, email, surname, enabled, roles from users where deleted_at is null',
    [],
  )
  return new Map(rows.map(({ id, roles, ...person }) => [id, { ...person, roles: [...roles].sort().join() }]))
}

/** Keycloak, the projection and what was acknowledged agree on every user. */
export const userFaults = async (query: Query, { users, signUps }: Ledger): Promise<string[]> => {
  const [keycloak, projection] = [await fromKeycloak(), await projected(query)]
  const faults: string[] = []
  for (const id of new Set([...keycloak.keys(), ...projection.keys()])) {
    const [there, here] = [keycloak.get(id), projection.get(id)]
    const same = there && here && Object.entries(there).every(([name, value]) => here[name as keyof Person] === value)
    if (!same) faults.push(`${id} is ${JSON.stringify(there)} in Keycloak, ${JSON.stringify(here)} in the projection`)
  }
  for (const { id, surname, enabled, admin, state, known } of users) {
    if (!known) continue
    const is = keycloak.get(id)
    if (
      state === 'deleted'
        ? is
        : is?.surname !== surname || is.enabled !== enabled || is.roles.includes('admin') !== admin
    )
      faults.push(
        `${id} is ${JSON.stringify(is)} where ${JSON.stringify({ surname, enabled, admin, state })} was acknowledged`,
      )
  }
  const addresses = new Set([...keycloak.values()].map(({ email }) => email))
  for (const { email } of signUps) if (!addresses.has(email)) faults.push(`${email} signed up and is not there`)
  return faults.slice(0, most)
}
