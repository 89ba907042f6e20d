import type { KeycloakUser } from '../keycloak/keycloak-users.ts'
import type { UserModel } from '../users/user.model.ts'

type Row = Pick<UserModel, 'email' | 'emailChanged' | 'deletedAt'>

/**
 * Whether the address of a user counts as the user's own, so that it may get what recovers the account: it is verified, or it
 * is the one that the account was created with. An address that was changed later counts only once it is verified. `row` is the
 * user in the projection, where the change may still be missing.
 */
export const ownsAddress = (keycloakUser: Pick<KeycloakUser, 'email' | 'emailVerified'>, row: Row | null): boolean => {
  if (keycloakUser.emailVerified || row === null || row.deletedAt !== null) return true
  return row.email === keycloakUser.email && !row.emailChanged
}
