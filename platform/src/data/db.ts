import pg from 'pg'
import { Sequelize } from 'sequelize'
import { v7 } from 'uuid'
import { currentContext, withContext } from '../runtime/context.ts'
import { Problem } from '../runtime/problem.ts'
import type { Db, Tx } from './database.ts'
import { DatabaseClient, prepareStatement } from './database-client.ts'
import type { DatabaseConfig } from './database-config.ts'
import { isConnectionError, violatedConstraint } from './database-errors.ts'
import { observePool } from './pool-metrics.ts'
import { inSavepoint, inTransaction } from './transaction.ts'

export type { Db, Tx } from './database.ts'

/** A new resource id: UUIDv7 (RFC 9562), ascending in time. */
export const newId = (): string => v7()

const bigintId = 20
pg.types.setTypeParser(bigintId, Number)

// PostgreSQL ends a statement by itself before that; a machine that failed sends no word at all.
const silenceMs = 5_000
const acquireMs = 5_000

/** A pool to `config.databaseUrl` without connecting yet. The role's search_path is its schema. */
export const createDb = (config: DatabaseConfig, schema: string): Db => {
  const sequelize = new Sequelize(config.databaseUrl, {
    dialect: 'postgres',
    dialectModule: { ...pg, Client: DatabaseClient },
    logging: false,
    define: { timestamps: false, underscored: true },
    pool: { max: config.databasePoolMax, min: 0, idle: 30_000, acquire: acquireMs },
    dialectOptions: {
      application_name: schema,
      statement_timeout: config.statementTimeoutMs,
      query_timeout: config.statementTimeoutMs + silenceMs,
      lock_timeout: Math.min(config.statementTimeoutMs, 5_000),
      idle_in_transaction_session_timeout: 60_000,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    },
    retry: { max: 0 },
  })
  const endMetrics = observePool(sequelize, { max: config.databasePoolMax, acquireMs })

  const query: Db['query'] = async <R extends object>(
    sql: string,
    values: unknown[] = [],
    { tx, name }: { tx?: Tx | undefined; name?: string } = {},
  ) => {
    if (name !== undefined) prepareStatement(name, sql)
    const transaction = tx ?? requestTransaction()
    const [rows] = await sequelize
      .query(sql, { ...(values.length > 0 && { bind: values }), ...(transaction && { transaction }) })
      .catch(asUnavailable)
    return rows as R[]
  }

  const requestTransaction = (): Tx | undefined => {
    const open = currentContext()?.transaction
    return open?.schema === schema ? open.tx : undefined
  }

  const db: Db = {
    sequelize,
    schema,
    transaction: (fn) => {
      const open = requestTransaction()
      return open ? inSavepoint(open, fn) : inTransaction(db, fn).catch(asUnavailable)
    },
    query,
    requestTransaction,
    ping: async () => {
      await query('select 1')
    },
    close: () => {
      endMetrics()
      return sequelize.close()
    },
  }
  return db
}

/** {@link createDb}, and waits until the database answers. */
export const connectDb = async (config: DatabaseConfig, schema: string): Promise<Db> => {
  const db = createDb(config, schema)
  await db.ping()
  return db
}

const asUnavailable = (error: unknown): never => {
  if (!(error instanceof Problem) && isConnectionError(error))
    throw new Problem('unavailable', {
      detail: 'the database is not reachable',
      headers: { 'Retry-After': '5' },
      cause: error,
    })
  throw error
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
