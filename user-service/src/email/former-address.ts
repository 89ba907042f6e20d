import { currentLog } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import { generateUsername } from '../accounts/generated-username.ts'
import type { KeycloakUser, KeycloakUsers } from '../keycloak/keycloak-users.ts'
import type { UserModel } from '../users/user.model.ts'

/** Whether the user has given up the e-mail address that is the username. */
const isGivenUp = (row: UserModel, { username, email, isFederated }: KeycloakUser): boolean =>
  (row.hasFormerAddress || row.username === row.email) &&
  username.includes('@') &&
  email !== null &&
  username !== email &&
  !isFederated

/**
 * Replaces a username that is a former e-mail address of the user: Keycloak would refuse the address to its next owner. If
 * Keycloak refuses the change, the row notes it, and the reconciliation tries it again.
 * @returns the user with the new username
 */
export const replaceFormerAddress = async (
  keycloakUsers: KeycloakUsers,
  row: UserModel,
  keycloakUser: KeycloakUser,
): Promise<KeycloakUser> => {
  row.hasFormerAddress = isGivenUp(row, keycloakUser)
  if (!row.hasFormerAddress) return keycloakUser
  const username = generateUsername()
  try {
    await keycloakUsers.update(keycloakUser.id, { username })
    row.hasFormerAddress = false
    return { ...keycloakUser, username }
  } catch (error) {
    // A realm that was not upgraded refuses it each time.
    const level = error instanceof Problem && error.code === 'validation' ? 'debug' : 'warn'
    currentLog()[level]({ err: error, user: keycloakUser.id }, 'a username that is a former address was not replaced')
    return keycloakUser
  }
}
