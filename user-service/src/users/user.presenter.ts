import type { Role, User } from '@clientele/contracts/user'
import { searchTextOf as toSearchText } from '@clientele/platform/lists/words/fold-text'
import { publicName } from '@clientele/platform/runtime/display-name'
import type { KeycloakUser } from '../keycloak/keycloak-users.ts'

/** The fields of a row that a response needs. Both models and plain rows of a list have them. */
export type UserRow = Omit<User, 'createdAt' | 'lastLoginAt' | 'username'> & {
  username: string | null
  createdAt: Date
  lastLoginAt: Date | null
}

type Named = { id: string; username: string; name?: string | null | undefined; surname?: string | null | undefined }

/** Name and surname ("Ana Lovelace"), or else the username. Never an e-mail address: then it is "User 7f3a". */
export const displayNameOf = ({ id, name, surname, username }: Named): string =>
  publicName(id, [name, surname].filter(Boolean).join(' '), username)

/** The text that `q` searches. */
export const searchTextOf = ({ name, surname, username, email }: Omit<KeycloakUser, 'notBefore'>): string =>
  toSearchText([name, surname, username, email])

/** The profile fields of the projection. */
export const profileOf = (keycloakUser: Omit<KeycloakUser, 'notBefore'>) => ({
  username: keycloakUser.username,
  email: keycloakUser.email,
  emailVerified: keycloakUser.emailVerified,
  name: keycloakUser.name,
  surname: keycloakUser.surname,
  displayName: displayNameOf(keycloakUser),
})

/** The fields that a sync compares. A change of any of them is a new version. */
export const projectionOf = (keycloakUser: KeycloakUser, roles: Role[]) => ({
  ...profileOf(keycloakUser),
  roles,
  enabled: keycloakUser.enabled,
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
