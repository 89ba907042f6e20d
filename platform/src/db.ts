import pg from 'pg'
import { Sequelize, type Transaction } from 'sequelize'
import { v7 } from 'uuid'
import type { DatabaseConfig } from './config.ts'
import { currentContext, withContext } from './context.ts'
import { Problem } from './problem.ts'

/** A transaction; pass it to each query that belongs to it. */
export type Tx = Transaction

/** One service's connection pool to its own schema. */
export type Db = {
  sequelize: Sequelize
  schema: string
  /** Runs `fn` in a transaction and commits; any error rolls back. Joins the transaction of an idempotent request. */
  transaction<T>(fn: (tx: Tx) => Promise<T>): Promise<T>
  /** Runs one statement with `$1` parameters on a pooled connection (or the transaction's). `name` makes it a prepared one. */
  query<R extends object>(
    sql: string,
    values?: unknown[],
    options?: { tx?: Tx | undefined; name?: string },
  ): Promise<R[]>
  /** Resolves when the database answers; rejects otherwise. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** A new resource id: UUIDv7 (RFC 9562), ascending in time. */
export const newId = (): string => v7()

const bigintId = 20
pg.types.setTypeParser(bigintId, Number)

/** The pg connection of a transaction, for named statements. */
export const connectionOf = (tx: Tx): pg.Client => (tx as unknown as { connection: pg.Client }).connection

type Pool = {
  getConnection(options: { type: 'write' }): Promise<pg.Client>
  releaseConnection(connection: pg.Client): void
  destroyConnection(connection: pg.Client): Promise<void>
}

/** Sequelize's pool, to use its pg connections directly; give each one back. */
export const poolOf = (sequelize: Sequelize): Pool => sequelize.connectionManager as unknown as Pool

/** A pool to `config.databaseUrl` without connecting yet. The role's search_path is its schema. */
export const createDb = (config: DatabaseConfig, schema: string): Db => {
  const sequelize = new Sequelize(config.databaseUrl, {
    dialect: 'postgres',
    logging: false,
    define: { timestamps: false, underscored: true },
    pool: { max: config.databasePoolMax, min: 0, idle: 30_000, acquire: 5_000 },
    dialectOptions: {
      application_name: schema,
      statement_timeout: config.statementTimeoutMs,
      lock_timeout: Math.min(config.statementTimeoutMs, 5_000),
      idle_in_transaction_session_timeout: 60_000,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    },
    retry: { max: 0 },
  })
  const pool = poolOf(sequelize)

  const query = async <R extends object>(
    sql: string,
    values: unknown[] = [],
    options: { tx?: Tx | undefined; name?: string } = {},
  ) => {
    const statement = { text: sql, values, ...(options.name !== undefined && { name: options.name }) }
    const tx = options.tx ?? joined()
    if (tx) return (await connectionOf(tx).query<R & pg.QueryResultRow>(statement)).rows as R[]
    const connection = await pool.getConnection({ type: 'write' }).catch(asUnavailable)
    try {
      return (await connection.query<R & pg.QueryResultRow>(statement)).rows as R[]
    } finally {
      pool.releaseConnection(connection)
    }
  }

  const joined = (): Tx | undefined => {
    const open = currentContext()?.transaction
    return open?.schema === schema ? open.tx : undefined
  }

  const transaction = async <T>(fn: (tx: Tx) => Promise<T>): Promise<T> => {
    const open = joined()
    return open ? nested(open, fn) : sequelize.transaction(fn).catch(asUnavailable)
  }

  return {
    sequelize,
    schema,
    transaction,
    query,
    ping: async () => {
      await query('select 1')
    },
    close: () => sequelize.close(),
  }
}

let savepoints = 0

/** A part of an open transaction that can fail without taking the rest along. */
const nested = async <T>(tx: Tx, fn: (tx: Tx) => Promise<T>): Promise<T> => {
  const connection = connectionOf(tx)
  const savepoint = `nested_${++savepoints}`
  await connection.query(`savepoint ${savepoint}`)
  try {
    const result = await fn(tx)
    await connection.query(`release savepoint ${savepoint}`)
    return result
  } catch (error) {
    await connection.query(`rollback to savepoint ${savepoint}`)
    throw error
  }
}

/** {@link createDb}, and waits until the database answers. */
export const connectDb = async (config: DatabaseConfig, schema: string): Promise<Db> => {
  const db = createDb(config, schema)
  await db.ping()
  return db
}

const unreachable = /^(SequelizeConnection|SequelizeHostNotFound|SequelizeAccessDenied)/
const asUnavailable = (error: unknown): never => {
  if (error instanceof Error && unreachable.test(error.name))
    throw new Problem('unavailable', {
      detail: 'the database is not reachable',
      headers: { 'Retry-After': '5' },
      cause: error,
    })
  throw error
}

/** The name of the unique constraint or index that `error` violates, or undefined for any other error. */
export const violatedConstraint = (error: unknown): string | undefined => {
  const cause = (error as { parent?: unknown }).parent ?? error
  const { code, constraint } = cause as { code?: string; constraint?: string }
  return code === '23505' ? constraint : undefined
}

/**
 * For `.catch` on an insert or update: turns the violation of a unique `constraint` into what `problem` gives; rethrows the rest.
 * The transaction is aborted by then, so `db.query` inside `problem` runs on a connection of its own.
 */
export const onUnique =
  (constraint: string, problem: () => Problem | Promise<Problem>) =>
  async (error: unknown): Promise<never> => {
    if (violatedConstraint(error) !== constraint) throw error
    const context = currentContext()
    throw await (context ? withContext({ ...context, transaction: undefined }, problem) : problem())
  }
