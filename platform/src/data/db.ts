import pg from 'pg'
import { Sequelize } from 'sequelize'
import { v7 } from 'uuid'
import { currentContext, withContext } from '../runtime/context.ts'
import { isDatabaseAway } from '../runtime/error-info.ts'
import { Problem } from '../runtime/problem.ts'
import type { DatabaseConfig } from './database-config.ts'
import { observePool } from './pool-metrics.ts'
import { connectionOf, inTransaction, nested, pipelined, poolOf, type Tx } from './transaction.ts'
import { giveUpSilent } from './unresponsive-connections.ts'

export { connectionOf, poolOf, type Tx } from './transaction.ts'

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

const silenceMs = 5_000

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
  pipelined(sequelize)
  giveUpSilent(sequelize, config.statementTimeoutMs + silenceMs)
  const forget = observePool(sequelize)
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
      return (await connection.query<R & pg.QueryResultRow>(statement).catch(asUnavailable)).rows as R[]
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
    return open ? nested(open, fn) : inTransaction(sequelize, fn).catch(asUnavailable)
  }

  return {
    sequelize,
    schema,
    transaction,
    query,
    ping: async () => {
      await query('select 1')
    },
    close: () => {
      forget()
      return sequelize.close()
    },
  }
}

/** {@link createDb}, and waits until the database answers. */
export const connectDb = async (config: DatabaseConfig, schema: string): Promise<Db> => {
  const db = createDb(config, schema)
  await db.ping()
  return db
}

const asUnavailable = (error: unknown): never => {
  if (!(error instanceof Problem) && isDatabaseAway(error))
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

/** Whether `error` says that other rows refer to the one that was to be removed. */
export const isReferenced = (error: unknown): boolean => {
  const { code } = ((error as { parent?: unknown }).parent ?? error) as { code?: string }
  return code === '23503' || code === '23001'
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
