import type { Db, Tx } from './database.ts'

/** `hooks` are called after the commit. */
type OpenTransaction = { db: Db; hooks: (() => unknown)[] }

const openTransactions = new WeakMap<Tx, OpenTransaction>()

const stateOf = (tx: Tx): OpenTransaction => {
  const state = openTransactions.get(tx)
  if (!state) throw new Error('the transaction has ended or was not started by Db.transaction')
  return state
}

/**
 * Returns the database of an open transaction.
 * @throws Error after the end of `tx`
 */
export const databaseOf = (tx: Tx): Db => stateOf(tx).db

/**
 * Calls `hook` after the commit of `tx`. Use it instead of Sequelize's `tx.afterCommit`, which also runs after a failed commit.
 * @throws Error after the end of `tx`
 */
export const afterCommit = (tx: Tx, hook: () => unknown): void => void stateOf(tx).hooks.push(hook)

/** Runs `work` in a new transaction. An error rolls it back. */
export const withTransaction = async <T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> => {
  const hooks: OpenTransaction['hooks'] = []
  const result = await db.sequelize.transaction(async (tx) => {
    openTransactions.set(tx, { db, hooks })
    try {
      return await work(tx)
    } finally {
      openTransactions.delete(tx)
    }
  })
  for (const hook of hooks) await hook()
  return result
}

let savepointCount = 0

/** Runs `work` in a savepoint of an open transaction. An error rolls back to the savepoint, and the transaction can continue. */
export const withSavepoint = async <T>(tx: Tx, work: (tx: Tx) => Promise<T>): Promise<T> => {
  const { db } = stateOf(tx)
  savepointCount += 1
  const name = `savepoint_${savepointCount}`
  await db.query(`savepoint ${name}`, [], { tx })
  try {
    const result = await work(tx)
    await db.query(`release savepoint ${name}`, [], { tx })
    return result
  } catch (error) {
    await db.query(`rollback to savepoint ${name}`, [], { tx })
    throw error
  }
}
