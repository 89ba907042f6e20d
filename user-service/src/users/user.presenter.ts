import type { Role, User } from '@clientele/contracts/user'
import { foldText } from '@clientele/platform/lists/fold-text'
import type { Person } from '../keycloak/people.ts'

/** What a row must have to be shown; a list's plain row has it as well as a model. */
export type UserRow = Omit<User, 'createdAt' | 'lastLoginAt' | 'username'> & {
  username: string | null
  createdAt: Date
  lastLoginAt: Date | null
}

/** "Ana Lovelace", else the username. */
const displayNameOf = ({ name, surname, username }: Pick<Person, 'name' | 'surname' | 'username'>): string =>
  [name, surname].filter((part) => part !== null).join(' ') || username

/** What stays readable of somebody who is gone: the name, but no address. */
export const tombstoneName = (displayName: string): string => (displayName.includes('@') ? 'deleted user' : displayName)

export const searchTextOf = (person: Person): string =>
  foldText([person.name, person.surname, person.username, person.email].filter((part) => part !== null).join(' '))

/** The profile of a person as it is projected. */
export const profileOf = (person: Omit<Person, 'notBefore'>) => ({
  username: person.username,
  email: person.email,
  emailVerified: person.emailVerified,
  name: person.name,
  surname: person.surname,
  displayName: displayNameOf(person),
})

/** The projected part of a person: what is compared, and what a change of is a new version. */
export const projectionOf = (person: Person, roles: Role[]) => ({
  ...profileOf(person),
  roles,
  enabled: person.enabled,
})

export const presentUser = (row: UserRow): User => ({
  id: row.id,
  username: row.username ?? '',
  email: row.email,
  emailVerified: row.emailVerified,
  name: row.name,
  surname: row.surname,
  displayName: row.displayName,
  roles: [...row.roles],
  enabled: row.enabled,
  createdAt: row.createdAt.toISOString(),
  lastLoginAt: row.lastLoginAt?.toISOString() ?? null,
  version: row.version,
})
