import type { KeycloakUser } from '../keycloak/keycloak-users.ts'

/** How far the clocks of Keycloak and the database may differ. */
const maxClockDifferenceMs = 60_000

/** Whether the account may be what an interrupted creation has left: disabled, with the same names, and not older. */
export const isLeftBy = (
  { username, email, createdAt }: { username: string; email: string; createdAt: Date },
  account: KeycloakUser,
): boolean =>
  !account.enabled &&
  account.username === username &&
  account.email === email &&
  account.createdAt.getTime() >= createdAt.getTime() - maxClockDifferenceMs
