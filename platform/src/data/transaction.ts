import type { Db, Tx } from './database.ts'

type Open = { db: Db; hooks: (() => unknown)[] }

const open = new WeakMap<Tx, Open>()

const stateOf = (tx: Tx): Open => {
  const state = open.get(tx)
  if (!state) throw new Error('the transaction has ended, or was not begun by Db.transaction')
  return state
}

/**
 * The database that `tx` was begun on.
 * @throws Error after its end
 */
export const databaseOf = (tx: Tx): Db => stateOf(tx).db

/**
 * Calls `hook` once `tx` has been committed. Sequelize's `tx.afterCommit` calls its hooks after a failed commit as well.
 * @throws Error after its end
 */
export const afterCommit = (tx: Tx, hook: () => unknown): void => void stateOf(tx).hooks.push(hook)

/** Runs `work` in a transaction of its own; any error rolls back. */
export const inTransaction = async <T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> => {
  const hooks: Open['hooks'] = []
  const result = await db.sequelize.transaction(async (tx) => {
    open.set(tx, { db, hooks })
    try {
      return await work(tx)
    } finally {
      open.delete(tx)
    }
  })
  for (const hook of hooks) await hook()
  return result
}

let savepoints = 0

/** Runs `work` in a part of an open transaction that can fail without taking the rest along. */
export const inSavepoint = async <T>(tx: Tx, work: (tx: Tx) => Promise<T>): Promise<T> => {
  const { db } = stateOf(tx)
  savepoints += 1
  const name = `savepoint_${savepoints}`
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
