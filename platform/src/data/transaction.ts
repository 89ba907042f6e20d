import type { Socket } from 'node:net'
import type pg from 'pg'
import { type Sequelize, Transaction } from 'sequelize'

/** A transaction; pass it to each query that belongs to it. */
export type Tx = Transaction

type Pool = {
  getConnection(options: { type: 'write' }): Promise<pg.Client>
  releaseConnection(connection: pg.Client): void
  destroyConnection(connection: pg.Client): Promise<void>
}

/** Sequelize's pool, to use its pg connections directly; give each one back. */
export const poolOf = (sequelize: Sequelize): Pool => sequelize.connectionManager as unknown as Pool

/**
 * The pg connection of a transaction, for named statements.
 * @throws Error after its end: the connection may belong to somebody else by then
 */
export const connectionOf = (tx: Tx): pg.Client => {
  const { connection, finished } = tx as unknown as Open
  if (finished !== undefined) throw new Error('the transaction has ended')
  return connection
}

type Sending = pg.Client & { connection: { stream: Socket }; query: (...statement: unknown[]) => unknown }

/**
 * Lets a connection send statements without waiting for the answers of those before (pg's pipeline mode); the order stays.
 * What is asked in one turn of the event loop goes out in one packet: each packet of its own wakes the server up.
 */
export const pipelined = (sequelize: Sequelize): void => {
  sequelize.addHook('afterConnect', (connection: unknown) => {
    const client = connection as Sending
    const { stream } = client.connection
    const query = client.query.bind(client)
    let held = false
    const send = () => {
      held = false
      stream.uncork()
    }
    const queryTogether = (...statement: unknown[]) => {
      if (!held) {
        held = true
        stream.cork()
        process.nextTick(send)
      }
      return query(...statement)
    }
    Object.assign(client, { pipeline: true, query: queryTogether })
  })
}

const sent = new WeakMap<Tx, Promise<unknown>[]>()

/** Gives a statement to the transaction whose answer nobody needs: it is waited for together with that of the commit. */
export const sendAlong = (tx: Tx, statement: Promise<unknown>): void => {
  statement.catch(() => {})
  sent.set(tx, [...(sent.get(tx) ?? []), statement])
}

/** How many statements were sent along and not answered yet. */
export const sentAlong = (tx: Tx): number => sent.get(tx)?.length ?? 0

/** For who rolls back to a savepoint: what was sent along after the first `kept` is undone, whatever its answer. */
export const forgetSent = (tx: Tx, kept = 0): void => {
  sent.set(tx, (sent.get(tx) ?? []).slice(0, kept))
}

/** Waits for what was sent along, then for `last`, which went out behind it. @throws the error of the first that failed */
export const answered = async (tx: Tx, last: Promise<unknown>): Promise<void> => {
  last.catch(() => {})
  const statements = sent.get(tx) ?? []
  sent.delete(tx)
  for (const statement of [...statements, last]) await statement
}

/** What Sequelize keeps in a transaction; its models look at `connection` and `finished`. */
type Open = {
  connection: pg.Client
  finished?: 'commit' | 'rollback'
  _afterCommitHooks: ((tx: Tx) => unknown)[]
}

/**
 * Runs `work` in a transaction of its own; any error rolls back. Begin and commit go straight to pg: `sequelize.transaction`
 * spends more on them than the statements between cost. Where neither can be told, the connection is given up.
 */
export const inTransaction = async <T>(sequelize: Sequelize, work: (tx: Tx) => Promise<T>): Promise<T> => {
  const pool = poolOf(sequelize)
  const connection = await pool.getConnection({ type: 'write' })
  const tx = new Transaction(sequelize, {})
  const open = Object.assign(tx, { connection }) as unknown as Open
  const end = async (how: 'commit' | 'rollback'): Promise<void> => {
    open.finished = how
    const ended = await connection.query(how).catch(async (error: unknown) => {
      await pool.destroyConnection(connection).catch(() => {})
      throw error
    })
    pool.releaseConnection(connection)
    // PostgreSQL's answer to the commit of a transaction in which a statement failed and the error was swallowed.
    if (ended.command.toLowerCase() !== how) throw new Error('the transaction had failed: nothing was committed')
  }
  let result: T
  try {
    // Not waited for: it goes out together with the first statement.
    const begun = connection.query('begin')
    begun.catch(() => {})
    result = await work(tx)
    await begun
  } catch (error) {
    await end('rollback').catch(() => {})
    throw error
  }
  // The commit goes out behind them; where one of them failed, it ends as a rollback, and the reason is theirs.
  await answered(tx, end('commit'))
  for (const hook of open._afterCommitHooks) await hook(tx)
  return result
}

let savepoints = 0

/** A part of an open transaction that can fail without taking the rest along. */
export const nested = async <T>(tx: Tx, work: (tx: Tx) => Promise<T>): Promise<T> => {
  const connection = connectionOf(tx)
  const savepoint = `nested_${++savepoints}`
  const before = sentAlong(tx)
  await connection.query(`savepoint ${savepoint}`)
  try {
    const result = await work(tx)
    await answered(tx, connection.query(`release savepoint ${savepoint}`))
    return result
  } catch (error) {
    forgetSent(tx, before)
    await connection.query(`rollback to savepoint ${savepoint}`)
    throw error
  }
}
