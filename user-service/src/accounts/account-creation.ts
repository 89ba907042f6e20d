import type { Role } from '@clientele/contracts/user'
import { secondsAgo } from '@clientele/platform/data/database-time'
import { type Db, newId, type Tx } from '@clientele/platform/data/db'
import { currentLog } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import { Op } from 'sequelize'
import type { KeycloakUserFields, KeycloakUsers } from '../keycloak/keycloak-users.ts'
import type { Models } from '../models.ts'
import type { UserSync } from '../users/user-sync.ts'
import type { AccountCreationModel } from './account-creation.model.ts'
import { isLeftBy } from './interrupted-creation.ts'

type NewAccount = KeycloakUserFields & { username: string; email: string; enabled: boolean }
type Deps = { db: Db; models: Models; keycloakUsers: KeycloakUsers; sync: UserSync }

/** Longer than any request. */
const interruptedAfterSeconds = 60
const maxPerCleanup = 100

export type AccountCreation = ReturnType<typeof createAccountCreation>

/**
 * Creates accounts in Keycloak, so that nobody can use one before it has its roles and is stored. Keycloak needs several calls
 * for that: the account is created disabled, gets its roles, and is enabled last.
 *
 * A row of `account_creations` is committed before, and deleted with the transaction that stores the user. While the creation
 * runs, its row is locked. A row without a lock was left by a process that has ended, or could not undo its creation: then the
 * disabled account is removed, by the next creation with one of its names or after a minute.
 */
export const createAccountCreation = ({ db, models, keycloakUsers, sync }: Deps) => {
  const { accountCreations, users } = models

  const lockRow = async (tx: Tx, id: string): Promise<AccountCreationModel> => {
    const row = await accountCreations.findByPk(id, { transaction: tx, lock: tx.LOCK.UPDATE })
    if (row) return row
    throw new Problem('unavailable', { detail: 'creating the account took too long', headers: { 'Retry-After': '2' } })
  }

  /** Removes the account that a creation has left, unless it is known: then an administrator has disabled it. */
  const removeAccount = async (tx: Tx, creation: AccountCreationModel): Promise<boolean> => {
    const account = await keycloakUsers.byUsername(creation.username)
    if (!account || !isLeftBy(creation, account)) return false
    if ((await users.count({ where: { id: account.id }, transaction: tx })) > 0) return false
    await keycloakUsers.delete(account.id)
    return true
  }

  const undo = async (id: string): Promise<void> => {
    await keycloakUsers.delete(id).catch((error: unknown) => {
      if (!(error instanceof Problem && error.code === 'not_found')) throw error
    })
  }

  /** Creates the account. If a later step fails, the account is removed again. */
  const createAndStore = async <T>(
    tx: Tx,
    { enabled, ...fields }: NewAccount,
    roles: readonly Role[],
    store: (tx: Tx, id: string) => Promise<T>,
  ): Promise<T> => {
    const id = await keycloakUsers.create({ ...fields, enabled: false })
    try {
      await sync.lock(tx, id)
      await keycloakUsers.setRoles(id, roles)
      await keycloakUsers.update(id, { enabled })
      return await store(tx, id)
    } catch (error) {
      await undo(id)
      throw error
    }
  }

  return {
    /**
     * Creates an account with these roles, which is enabled last. `store` saves the user in the given transaction.
     * @throws Problem 409 `duplicate`, and others of Keycloak; then there is no account, or it is removed later
     */
    create: async <T>(
      fields: NewAccount,
      roles: readonly Role[],
      store: (tx: Tx, id: string) => Promise<T>,
    ): Promise<T> => {
      const { id } = await accountCreations.create({ id: newId(), username: fields.username, email: fields.email })
      try {
        return await db.transaction(async (tx) => {
          const row = await lockRow(tx, id)
          await sync.lockAddress(tx, fields.email)
          const result = await createAndStore(tx, fields, roles, store)
          await row.destroy({ transaction: tx })
          return result
        })
      } catch (error) {
        // After any other error the account may exist in Keycloak: the row makes sure that it is removed.
        if (error instanceof Problem && error.status < 500) await accountCreations.destroy({ where: { id } })
        throw error
      }
    },

    /**
     * Removes accounts with one of these names that interrupted creations have left, so that the names are free. Waits for a
     * creation with the same address.
     * @throws Problem 503 if that takes too long
     */
    removeInterrupted: async ({ username, email }: { username?: string | undefined; email: string }): Promise<void> => {
      const names = username === undefined ? { email } : { [Op.or]: [{ email }, { username }] }
      if ((await accountCreations.count({ where: names })) === 0) return
      await db.transaction(async (tx) => {
        await sync.lockAddress(tx, email)
        const rows = await accountCreations.findAll({
          where: names,
          limit: maxPerCleanup,
          transaction: tx,
          lock: tx.LOCK.UPDATE,
          skipLocked: true,
        })
        for (const row of rows) if (await removeAccount(tx, row)) await row.destroy({ transaction: tx })
      })
    },

    /** Removes accounts that interrupted creations have left for a minute. */
    cleanup: async (): Promise<void> => {
      const where = { createdAt: { [Op.lt]: secondsAgo(interruptedAfterSeconds) } }
      const old = await accountCreations.findAll({ attributes: ['id'], where, limit: maxPerCleanup, raw: true })
      for (const { id } of old)
        await db
          .transaction(async (tx) => {
            const row = await accountCreations.findOne({
              where: { id },
              transaction: tx,
              lock: tx.LOCK.UPDATE,
              skipLocked: true,
            })
            if (!row) return
            await removeAccount(tx, row)
            await row.destroy({ transaction: tx })
          })
          .catch((error: unknown) => {
            currentLog().warn({ err: error, creation: id }, 'an interrupted creation of an account was not undone')
          })
    },
  }
}
