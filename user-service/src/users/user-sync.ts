import type { ActorRef } from '@clientele/contracts/fields'
import type { Revocation } from '@clientele/contracts/revocation'
import type { User } from '@clientele/contracts/user'
import { acquireLock } from '@clientele/platform/data/advisory-lock'
import type { Db, Tx } from '@clientele/platform/data/db'
import { deletedUserName } from '@clientele/platform/data/user-names'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { isLeftBy } from '../accounts/interrupted-creation.ts'
import { consumeIntent, isSignUpProbe } from '../accounts/signup-intents.ts'
import type { EmailLinks } from '../email/email-links.ts'
import { replaceFormerAddress } from '../email/former-address.ts'
import { ownsAddress } from '../email/own-address.ts'
import type { KeycloakUser, KeycloakUsers } from '../keycloak/keycloak-users.ts'
import type { Models } from '../models.ts'
import { ofUser } from '../revocations/lost-access.ts'
import { storeRevocations } from '../revocations/revocations.ts'
import { createRevocationsOfChange, type EndedSessions } from '../revocations/revocations-of-change.ts'
import type { UserModel } from './user.model.ts'
import { presentUser, projectionOf, searchTextOf } from './user.presenter.ts'
import { createdEvent, deletedEvent, diffUser, eventsOf, isVisibleChange, signedOutEvent } from './user-change.ts'

const deletionMarginMs = 5_000

export type UserSync = ReturnType<typeof createUserSync>
type Deps = { db: Db; models: Models; keycloakUsers: KeycloakUsers; emailLinks: EmailLinks }

/** `former` is undefined if the former address was not the user's own. */
const emailChangeOf = (row: UserModel, current: string | null) => ({
  former: row.email !== null && ownsAddress(row, row) ? row.email : undefined,
  current,
})

/**
 * The only code that writes the projection of users. Whatever noticed a change (an API request, an event of Keycloak, the
 * reconciliation), the user is read from Keycloak and compared with the row. The difference is stored together with its events
 * and revocations. The user's lock is held meanwhile, so that an older state never overwrites a newer one.
 */
export const createUserSync = ({ db, models, keycloakUsers, emailLinks }: Deps) => {
  const { accountCreations, users, signupIntents } = models
  const revocationsOf = createRevocationsOfChange(keycloakUsers)

  /** Locks a user until the transaction ends, across replicas. Acquire it before any call that changes the user in Keycloak. */
  const lock = async (tx: Tx, id: string): Promise<void> => {
    await acquireLock(db, tx, `user ${id}`)
  }

  /**
   * Keeps the event poller from storing a user that a request has just created in Keycloak but not stored yet: the event would
   * name another actor. Requests that create users lock in shared mode; a sync of an unknown user locks in exclusive mode.
   * Acquire it before the user's lock.
   */
  const lockCreation = async (tx: Tx, mode: 'shared' | 'exclusive'): Promise<void> => {
    await acquireLock(db, tx, 'creation', mode)
  }

  const find = (tx: Tx, id: string): Promise<UserModel | null> =>
    users.findByPk(id, { transaction: tx, lock: tx.LOCK.UPDATE })

  /** Turns the row of a deleted user into a tombstone: only the id stays. */
  const tombstone = async (tx: Tx, row: UserModel | null, actor: ActorRef): Promise<undefined> => {
    if (row === null || row.deletedAt !== null) return
    const last = presentUser(row)
    row.set({
      deletedAt: new Date(),
      version: row.version + 1,
      displayName: deletedUserName,
      enabled: false,
      roles: [],
    })
    row.set({ username: null, email: null, name: null, surname: null, searchText: '', withheld: null })
    await row.save({ transaction: tx })
    await emailLinks.deleteOf(tx, row.id)
    // Nobody gets this id again, so the clock of Keycloak may be ahead.
    const revocations = [ofUser(row.id, Date.now() + deletionMarginMs)]
    await storeRevocations(db, tx, revocations)
    const user = { ...last, displayName: row.displayName, enabled: false, version: row.version }
    await outbox.add(tx, deletedEvent(user, actor, revocations))
  }

  const create = async (
    tx: Tx,
    row: UserModel | null,
    keycloakUser: KeycloakUser,
    next: ReturnType<typeof projectionOf>,
    actor: ActorRef,
  ): Promise<User> => {
    const fields = {
      ...next,
      emailChanged: false,
      createdAt: keycloakUser.createdAt,
      deletedAt: null,
      searchText: searchTextOf(keycloakUser),
      notBefore: keycloakUser.notBefore,
      rolesCheckedAt: new Date(),
    }
    // A tombstone becomes a user again if Keycloak's data was restored from a backup.
    const saved = row
      ? await row.set({ ...fields, version: row.version + 1 }).save({ transaction: tx })
      : await users.create({ id: keycloakUser.id, ...fields, version: 1 }, { transaction: tx })
    const user = presentUser(saved)
    await outbox.add(tx, createdEvent(user, actor, await consumeIntent(signupIntents, tx, keycloakUser)))
    return user
  }

  const updateLinks = async (
    tx: Tx,
    id: string,
    emailChange: ReturnType<typeof emailChangeOf> | undefined,
    sessionsEnded: boolean,
  ): Promise<void> => {
    if (emailChange) await emailLinks.recordChange(tx, id, emailChange)
    // An intruder may have proposed an address before the sessions were ended.
    if (sessionsEnded) await emailLinks.withdraw(tx, id)
  }

  const update = async (
    tx: Tx,
    row: UserModel,
    keycloakUser: KeycloakUser,
    next: ReturnType<typeof projectionOf>,
    actor: ActorRef,
    ended: EndedSessions | undefined,
  ): Promise<User> => {
    const before = presentUser(row)
    const change = diffUser({ ...before, notBefore: Number(row.notBefore) }, next, keycloakUser, ended !== undefined)
    const { notBefore, revocations } = await revocationsOf(keycloakUser, change, ended)
    const emailChange = change.profile.includes('email') ? emailChangeOf(row, next.email) : undefined
    row.set({
      ...next,
      ...(emailChange && { emailChanged: true }),
      searchText: searchTextOf(keycloakUser),
      notBefore,
      rolesCheckedAt: new Date(),
      version: row.version + (isVisibleChange(change) ? 1 : 0),
      ...(change.signedOut && { signedOutAt: new Date(notBefore * 1_000) }),
    })
    await row.save({ transaction: tx })
    await updateLinks(tx, row.id, emailChange, change.disabled || change.signedOut)

    const user = presentUser(row)
    await storeRevocations(db, tx, revocations)
    await outbox.add(tx, ...eventsOf(before, user, change, actor, revocations))
    return user
  }

  /** An account whose creation was interrupted is no user: it will be removed. */
  const isInterrupted = async (tx: Tx, keycloakUser: KeycloakUser): Promise<boolean> => {
    if (keycloakUser.enabled) return false
    const { username } = keycloakUser
    const creations = await accountCreations.findAll({ where: { username }, transaction: tx, raw: true })
    return creations.some((creation) => isLeftBy(creation, keycloakUser))
  }

  /**
   * Syncs a user whose lock the caller holds in `tx`, and whose sessions it has `ended`.
   * @returns undefined if Keycloak has no such user
   */
  const syncLocked = async (tx: Tx, id: string, actor: ActorRef, ended?: EndedSessions): Promise<User | undefined> => {
    const row = await find(tx, id)
    const keycloakUser = await keycloakUsers.byId(id)
    if (keycloakUser && isSignUpProbe(keycloakUser.username)) {
      await keycloakUsers.delete(id)
      return
    }
    const roles = keycloakUser && (await keycloakUsers.roles(id))
    if (!keycloakUser || !roles) return tombstone(tx, row, actor)
    if (row === null || row.deletedAt !== null) {
      if (await isInterrupted(tx, keycloakUser)) return
      return create(tx, row, keycloakUser, projectionOf(keycloakUser, roles), actor)
    }
    const current = await replaceFormerAddress(keycloakUsers, row, keycloakUser)
    // Whoever got a role in Keycloak meanwhile was let in again there.
    const withheld = roles.length === 0 ? row.withheld : null
    row.set({ withheld })
    const next = projectionOf(current, withheld ? withheld.productRoles : roles)
    return update(tx, row, current, withheld ? { ...next, enabled: false } : next, actor, ended)
  }

  const isKnown = async (tx: Tx, id: string): Promise<boolean> =>
    (await users.count({ where: { id }, transaction: tx })) > 0

  /** Locks an e-mail address before a user is created: of two concurrent creations Keycloak fails one with 500. */
  const lockAddress = async (tx: Tx, email: string): Promise<void> => {
    await lockCreation(tx, 'shared')
    await acquireLock(db, tx, `address ${email}`)
  }

  return {
    lock,
    lockAddress,
    syncLocked,

    /**
     * Syncs a user in a transaction of its own, or in `tx` if nothing is locked there yet. `change` may change the user in
     * Keycloak before. @returns as `syncLocked`
     */
    syncUser: async (
      id: string,
      actor: ActorRef,
      tx?: Tx,
      change: () => Promise<void> = async () => {},
    ): Promise<User | undefined> => {
      const run = async (current: Tx) => {
        if (!(await isKnown(current, id))) await lockCreation(current, 'exclusive')
        await lock(current, id)
        await change()
        return syncLocked(current, id, actor)
      }
      return tx ? run(tx) : db.transaction(run)
    },

    /** Stores what a user lost who was signed out, and publishes it. Does nothing if the session's end is stored already. */
    recordSignOut: async (tx: Tx, id: string, revocations: Revocation[], actor?: ActorRef): Promise<void> => {
      await lock(tx, id)
      const isNew = await storeRevocations(db, tx, revocations)
      const row = await find(tx, id)
      if (!isNew || row === null || row.deletedAt !== null) return
      await outbox.add(tx, signedOutEvent(presentUser(row), actor ?? { id, displayName: row.displayName }, revocations))
    },
  }
}
