import type { ActorRef } from '@clientele/contracts/fields'
import type { User } from '@clientele/contracts/user'
import type { Db, Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { currentLog } from '@clientele/platform/runtime/log'
import type { People, Person } from '../keycloak/people.ts'
import type { Models } from '../models.ts'
import { takeLock } from './lock.ts'
import { revoke } from './revocations.ts'
import { isSignUpProbe, takeIntent } from './signup-intents.ts'
import type { UserModel } from './user.model.ts'
import { presentUser, projectionOf, searchTextOf, tombstoneName } from './user.presenter.ts'
import { compare, createdEvent, deletedEvent, eventsOf, isVisible, signedOutEvent } from './user-change.ts'

export type UserSync = ReturnType<typeof createUserSync>
type Deps = { db: Db; models: Models; people: People }

/**
 * The one way into the projection. Whatever noticed a change (an own call, an event of Keycloak, the reconciliation), the
 * user is read from Keycloak under a lock, so that a later read is never overwritten by an earlier one, and the difference is
 * stored together with its events and revocations.
 */
export const createUserSync = ({ db, models, people }: Deps) => {
  const { users, signupIntents } = models

  /** One change of a user at a time, across replicas; before any call that changes the user in Keycloak. */
  const lock = async (tx: Tx, id: string): Promise<void> => {
    await takeLock(db, tx, `user ${id}`)
  }

  /**
   * While creations of our own are under way (shared), an unknown user of Keycloak's is not taken for somebody else's work
   * (exclusive). Taken before a user's lock.
   */
  const lockCreation = async (tx: Tx, mode: 'shared' | 'exclusive'): Promise<void> => {
    await takeLock(db, tx, 'creation', mode)
  }

  const find = (tx: Tx, id: string): Promise<UserModel | null> =>
    users.findByPk(id, { transaction: tx, lock: tx.LOCK.UPDATE })

  const tombstone = async (tx: Tx, row: UserModel | null, actor: ActorRef): Promise<undefined> => {
    if (row === null || row.deletedAt !== null) return
    const last = presentUser(row)
    row.set({
      deletedAt: new Date(),
      version: row.version + 1,
      displayName: tombstoneName(row.displayName),
      enabled: false,
      roles: [],
    })
    row.set({ username: null, email: null, name: null, surname: null, searchText: '' })
    await row.save({ transaction: tx })
    await revoke(db, tx, [row.id], new Date())
    await outbox.add(
      tx,
      deletedEvent({ ...last, displayName: row.displayName, enabled: false, version: row.version }, actor),
    )
  }

  const create = async (
    tx: Tx,
    row: UserModel | null,
    person: Person,
    next: ReturnType<typeof projectionOf>,
    actor: ActorRef,
  ): Promise<User> => {
    const fields = {
      ...next,
      createdAt: person.createdAt,
      deletedAt: null,
      searchText: searchTextOf(person),
      notBefore: person.notBefore,
      rolesCheckedAt: new Date(),
    }
    // A tombstone comes back to life when Keycloak's data was restored from a backup.
    const saved = row
      ? await row.set({ ...fields, version: row.version + 1 }).save({ transaction: tx })
      : await users.create({ id: person.id, ...fields, version: 1 }, { transaction: tx })
    const user = presentUser(saved)
    await outbox.add(tx, createdEvent(user, actor, await takeIntent(signupIntents, tx, person)))
    return user
  }

  /** Keycloak keeps the sessions of a disabled user; ends them and gives the not-before that this leaves. */
  const endSessions = async (person: Person): Promise<number> => {
    try {
      await people.signOut(person.id)
      return (await people.person(person.id))?.notBefore ?? person.notBefore
    } catch (error) {
      currentLog().warn({ err: error }, 'sessions of a disabled user were not ended in Keycloak')
      return person.notBefore
    }
  }

  const update = async (
    tx: Tx,
    row: UserModel,
    person: Person,
    next: ReturnType<typeof projectionOf>,
    actor: ActorRef,
  ): Promise<User> => {
    const before = presentUser(row)
    const change = compare({ ...before, notBefore: Number(row.notBefore) }, next, person)
    const isDisabled = change.enabled && !next.enabled
    const signedOutAt = change.signedOut ? new Date(person.notBefore * 1000) : undefined
    row.set({
      ...next,
      searchText: searchTextOf(person),
      notBefore: isDisabled ? await endSessions(person) : person.notBefore,
      rolesCheckedAt: new Date(),
      version: row.version + (isVisible(change) ? 1 : 0),
      ...(signedOutAt && { signedOutAt }),
    })
    await row.save({ transaction: tx })

    const user = presentUser(row)
    const revokedAt = isDisabled || change.revoked.length > 0 ? new Date() : signedOutAt
    if (revokedAt) await revoke(db, tx, [row.id], revokedAt)
    await outbox.add(tx, ...eventsOf(before, user, change, actor))
    return user
  }

  /** Reads and stores; the caller holds the user's lock in `tx`. @returns undefined for somebody who is not there */
  const syncLocked = async (tx: Tx, id: string, actor: ActorRef): Promise<User | undefined> => {
    const row = await find(tx, id)
    const person = await people.person(id)
    if (person && isSignUpProbe(person.username)) {
      await people.remove(id)
      return
    }
    const roles = person && (await people.roles(id))
    if (!person || !roles) return tombstone(tx, row, actor)
    const next = projectionOf(person, roles)
    if (row === null || row.deletedAt !== null) return create(tx, row, person, next, actor)
    return update(tx, row, person, next, actor)
  }

  const known = async (tx: Tx, id: string): Promise<boolean> =>
    (await users.count({ where: { id }, transaction: tx })) > 0

  /** Before a user is created in Keycloak, which answers 500 to one of two creations of the same address at once. */
  const lockAddress = async (tx: Tx, email: string): Promise<void> => {
    await lockCreation(tx, 'shared')
    await takeLock(db, tx, `address ${email}`)
  }

  return {
    lock,
    lockAddress,
    syncLocked,

    /** Reads and stores in a transaction of its own, or in `tx` before anything else is locked there. */
    sync: async (id: string, actor: ActorRef, tx?: Tx): Promise<User | undefined> => {
      const work = async (open: Tx) => {
        if (!(await known(open, id))) await lockCreation(open, 'exclusive')
        await lock(open, id)
        return syncLocked(open, id, actor)
      }
      return tx ? work(tx) : db.transaction(work)
    },

    /** Records that somebody's session ended at `at`; nothing where a later end is known. */
    signedOut: async (tx: Tx, id: string, at: Date, actor?: ActorRef): Promise<void> => {
      await lock(tx, id)
      const row = await find(tx, id)
      if (row === null || row.deletedAt !== null || (row.signedOutAt !== null && row.signedOutAt >= at)) return
      await row.set({ signedOutAt: at }).save({ transaction: tx })
      await revoke(db, tx, [id], at)
      await outbox.add(tx, signedOutEvent(presentUser(row), actor ?? { id, displayName: row.displayName }))
    },
  }
}
