import type { UserLock } from '@clientele/contracts/user'
import type { Tx } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import type { SignInGuard } from '../auth/sign-in-guard.ts'
import type { KeycloakLocks } from '../keycloak/keycloak-locks.ts'
import type { Users } from '../users/user.model.ts'

type Deps = { users: Users; guard: SignInGuard; keycloakLocks: KeycloakLocks }
export type AccountLocks = ReturnType<typeof createAccountLocks>

/** The locks of an account after failed sign-ins: those of `POST /v1/auth/login` and that of Keycloak. */
export const createAccountLocks = ({ users, guard, keycloakLocks }: Deps) => {
  /** The names that a user may sign in with. */
  const namesOf = async (id: string, tx?: Tx): Promise<string[] | undefined> => {
    const row = await users.findOne({ where: { id, deletedAt: null }, transaction: tx ?? null })
    return row === null ? undefined : [row.username, row.email].filter((name) => name !== null)
  }

  const namesOfExisting = async (id: string): Promise<string[]> => {
    const names = await namesOf(id)
    if (!names) throw new Problem('not_found', { detail: 'user not found' })
    return names
  }

  return {
    /** @throws Problem 404 */
    get: async (id: string): Promise<UserLock> => {
      const names = await namesOfExisting(id)
      const [{ lockedUntil, lockedSources, failures }, keycloak] = await Promise.all([
        guard.status(names),
        keycloakLocks.status(id),
      ])
      return {
        locked: lockedUntil !== null || lockedSources > 0 || keycloak.isLocked,
        api: { lockedUntil: lockedUntil?.toISOString() ?? null, lockedSources, failures },
        keycloak: { locked: keycloak.isLocked, failures: keycloak.failures },
      }
    },

    /** Lifts all locks of the account. @throws Problem 404 */
    lift: async (id: string): Promise<void> => {
      await guard.clear(await namesOfExisting(id))
      await keycloakLocks.lift(id)
    },

    /** Lifts all locks after the user proved who they are, or got a new password. Nothing if the user is not known. */
    forgetFailures: async (id: string, tx: Tx): Promise<void> => {
      const names = await namesOf(id, tx)
      if (!names) return
      await guard.clear(names, tx)
      await keycloakLocks.lift(id)
    },

    /** Forgets the failures that user-service has counted, after Keycloak's lock was lifted in Keycloak. */
    forgetOwnFailures: async (id: string, tx: Tx): Promise<void> => {
      await guard.clear((await namesOf(id, tx)) ?? [], tx)
    },
  }
}
