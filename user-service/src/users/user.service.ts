import type { NewUser, Role, User, UserPatch } from '@clientele/contracts/user'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { type IfMatch, requireVersion } from '@clientele/platform/http/if-match'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import { createAccountChanges } from '../accounts/account-changes.ts'
import type { AccountCreation } from '../accounts/account-creation.ts'
import type { AccountLocks } from '../accounts/account-locks.ts'
import type { LastAdminGuard } from '../accounts/last-admin.ts'
import type { MailQueue } from '../email/mail-queue.ts'
import type { UserMail } from '../email/user-mail.ts'
import type { KeycloakUserFields, KeycloakUsers } from '../keycloak/keycloak-users.ts'
import type { EndedSessions } from '../revocations/revocations-of-change.ts'
import { addConflictingId } from './duplicate-user.ts'
import type { Users } from './user.model.ts'
import { presentUser } from './user.presenter.ts'
import type { UserSync } from './user-sync.ts'

type Deps = {
  db: Db
  users: Users
  keycloakUsers: KeycloakUsers
  sync: UserSync
  accountCreation: AccountCreation
  lastAdmin: LastAdminGuard
  userMail: UserMail
  mailQueue: MailQueue
  locks: AccountLocks
}

const userNotFound = (): Problem => new Problem('not_found', { detail: 'user not found' })

export type UserService = ReturnType<typeof createUserService>

/**
 * Manages users in Keycloak. A change holds the user's lock, changes Keycloak, and then syncs the projection in the same
 * transaction, so that the response shows what Keycloak has stored.
 */
export const createUserService = (deps: Deps) => {
  const { db, users, keycloakUsers, sync, accountCreation, lastAdmin, userMail, mailQueue, locks } = deps
  const account = createAccountChanges({ users, keycloakUsers })

  const getUser = async (id: string, tx?: Tx): Promise<User> => {
    const row = await users.findByPk(id, { transaction: tx ?? null })
    if (row === null || row.deletedAt !== null) throw userNotFound()
    return presentUser(row)
  }

  /**
   * Runs a change of a user, and publishes it, with the sessions that `work` has ended. With `ifMatch` the user is synced first,
   * so that changes in Keycloak's console count as well.
   */
  const change = (
    id: string,
    actor: Actor,
    ifMatch: IfMatch,
    work: (before: User, tx: Tx) => Promise<EndedSessions | undefined>,
  ): Promise<User | undefined> =>
    db.transaction(async (tx) => {
      await sync.lock(tx, id)
      const before = ifMatch === undefined ? await getUser(id, tx) : await sync.syncLocked(tx, id, actorRef(actor))
      if (!before) throw userNotFound()
      requireVersion('the user', before, ifMatch)
      const ended = await work(before, tx)
      return sync.syncLocked(tx, id, actorRef(actor), ended)
    })

  const refuseOwnAccount = (id: string, actor: Actor): void => {
    if (id === actor.id) throw new Problem('own_account')
  }

  /** Call it before a change after which the user may not be an enabled administrator. */
  const guardAdmin = async (id: string, actor: Actor, tx: Tx): Promise<void> => {
    refuseOwnAccount(id, actor)
    await lastAdmin.check(tx, id)
  }

  const applyPatch = async (
    before: User,
    patch: UserPatch,
    actor: Actor,
    tx: Tx,
  ): Promise<EndedSessions | undefined> => {
    const { id } = before
    const demotes =
      patch.roles !== undefined && !patch.roles.includes('admin') && (before.roles.includes('admin') || id === actor.id)
    const disables = patch.enabled === false
    if (demotes || disables) await guardAdmin(id, actor, tx)
    const fields = changedFields(before, patch)
    // Roles that are withheld are those that the user has then.
    if (patch.roles && disables) await account.setRoles(tx, id, patch.roles)
    if (Object.keys(fields).length > 0)
      await account.update(tx, id, fields).catch(addConflictingId(users, { ...before, ...patch }))
    if (fields.email !== undefined) await mailQueue.enqueueVerificationOfChange(id, tx)
    const ended = patch.password === undefined ? undefined : await keycloakUsers.signOut(id)
    if (ended) await locks.forgetFailures(id, tx)
    if (patch.roles && !disables) await account.setRoles(tx, id, patch.roles)
    return ended
  }

  const assertFound = (user: User | undefined): User => {
    if (!user) throw userNotFound()
    return user
  }

  return {
    get: getUser,

    create: async ({ roles = ['user'], sendInvite, ...fields }: NewUser, actor: Actor): Promise<User> => {
      if (sendInvite && !userMail.available)
        throw fieldProblem('/sendInvite', 'unavailable', 'this installation cannot send mail')
      await accountCreation.removeInterrupted(fields)
      const user = await accountCreation
        .create({ ...fields, enabled: true }, roles, async (tx, id) =>
          assertFound(await sync.syncLocked(tx, id, actorRef(actor))),
        )
        .catch(addConflictingId(users, fields))
      if (sendInvite) await userMail.sendInvite(user.id)
      return user
    },

    update: async (id: string, patch: UserPatch, actor: Actor, ifMatch?: IfMatch): Promise<User> =>
      assertFound(await change(id, actor, ifMatch, (before, tx) => applyPatch(before, patch, actor, tx))),

    delete: async (id: string, actor: Actor, ifMatch?: IfMatch): Promise<void> => {
      await change(id, actor, ifMatch, async (_before, tx) => {
        await guardAdmin(id, actor, tx)
        await keycloakUsers.delete(id)
      })
    },

    /** Deletes the actor's own account. @throws Problem 409 `last_admin` */
    deleteSelf: async (actor: Actor, ifMatch?: IfMatch): Promise<void> => {
      await change(actor.id, actor, ifMatch, async (_before, tx) => {
        await lastAdmin.check(tx, actor.id)
        await keycloakUsers.delete(actor.id)
      })
    },

    grantRole: async (id: string, role: Role, actor: Actor, ifMatch?: IfMatch): Promise<void> => {
      await change(id, actor, ifMatch, async (_before, tx) => {
        const roles = (await keycloakUsers.roles(id)) ?? []
        await account.setRoles(tx, id, [...roles, role])
      })
    },

    revokeRole: async (id: string, role: Role, actor: Actor, ifMatch?: IfMatch): Promise<void> => {
      await change(id, actor, ifMatch, async (_before, tx) => {
        const roles = (await keycloakUsers.roles(id)) ?? []
        if (role === 'admin') await guardAdmin(id, actor, tx)
        else if (roles.includes('admin'))
          throw new Problem('invalid_state', {
            detail: 'an admin always has the role user; revoke the role admin first',
          })
        await account.setRoles(
          tx,
          id,
          roles.filter((other) => other !== role),
        )
      })
    },

    signOut: async (id: string, actor: Actor): Promise<void> => {
      await change(id, actor, undefined, () => keycloakUsers.signOut(id))
    },

    mailPasswordReset: async (id: string): Promise<void> => {
      const { enabled, email } = await getUser(id)
      // Keycloak refuses these with the same error as an unavailable mail server.
      if (!enabled) throw new Problem('invalid_state', { detail: 'the user is disabled; enable them first' })
      if (email === null) throw new Problem('invalid_state', { detail: 'the user has no e-mail address' })
      await userMail.sendReset(id)
    },
  }
}

/** The fields of the patch that differ. If the realm forbids to change usernames, Keycloak refuses even an unchanged one. */
const changedFields = (
  before: User,
  { username, email, name, surname, enabled, password }: UserPatch,
): KeycloakUserFields => ({
  ...(username !== undefined && username !== before.username && { username }),
  ...(email !== undefined && email !== before.email && { email, emailVerified: false }),
  ...(name !== undefined && name !== before.name && { name }),
  ...(surname !== undefined && surname !== before.surname && { surname }),
  ...(enabled !== undefined && enabled !== before.enabled && { enabled }),
  ...(password !== undefined && { password }),
})
