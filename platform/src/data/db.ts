import pg from 'pg'
import { Sequelize } from 'sequelize'
import { v7 } from 'uuid'
import { currentContext } from '../runtime/context.ts'
import { Problem } from '../runtime/problem.ts'
import type { Db, Tx } from './database.ts'
import { DatabaseClient, prepareStatement } from './database-client.ts'
import type { DatabaseConfig } from './database-config.ts'
import { isConnectionError } from './database-errors.ts'
import { observePool } from './pool-metrics.ts'
import { withSavepoint, withTransaction } from './transaction.ts'

export type { Db, Tx } from './database.ts'

/** Creates a resource id: a UUIDv7 (RFC 9562), which sorts by time. */
export const newId = (): string => v7()

const bigintTypeId = 20
pg.types.setTypeParser(bigintTypeId, Number)

// PostgreSQL itself ends a slow statement at `statement_timeout`. A connection without a response this much later is dead.
const queryTimeoutMarginMs = 5_000
const acquireTimeoutMs = 5_000

/** Creates a pool for `config.databaseUrl` without connecting. The search_path of the role selects its schema. */
export const createDb = (config: DatabaseConfig, schema: string): Db => {
  const sequelize = new Sequelize(config.databaseUrl, {
    dialect: 'postgres',
    dialectModule: { ...pg, Client: DatabaseClient },
    logging: false,
    define: { timestamps: false, underscored: true },
    pool: { max: config.databasePoolMax, min: 0, idle: 30_000, acquire: acquireTimeoutMs },
    dialectOptions: {
      application_name: schema,
      statement_timeout: config.statementTimeoutMs,
      query_timeout: config.statementTimeoutMs + queryTimeoutMarginMs,
      lock_timeout: Math.min(config.statementTimeoutMs, 5_000),
      idle_in_transaction_session_timeout: 60_000,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    },
    retry: { max: 0 },
  })
  const stopObserving = observePool(sequelize, { max: config.databasePoolMax, acquireMs: acquireTimeoutMs })

  const query: Db['query'] = async <R extends object>(
    sql: string,
    values: unknown[] = [],
    { tx, name }: { tx?: Tx | undefined; name?: string } = {},
  ) => {
    if (name !== undefined) prepareStatement(name, sql)
    const transaction = tx ?? requestTransaction()
    const [rows] = await sequelize
      .query(sql, { ...(values.length > 0 && { bind: values }), ...(transaction && { transaction }) })
      .catch(rethrowAsProblem)
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
      return open ? withSavepoint(open, fn) : withTransaction(db, fn).catch(rethrowAsProblem)
    },
    query,
    requestTransaction,
    ping: async () => {
      await query('select 1')
    },
    close: () => {
      stopObserving()
      return sequelize.close()
    },
  }
  return db
}

/** Like {@link createDb}, but connects once. Rejects if the database is unavailable. */
export const connectDb = async (config: DatabaseConfig, schema: string): Promise<Db> => {
  const db = createDb(config, schema)
  await db.ping()
  return db
}

const rethrowAsProblem = (error: unknown): never => {
  if (!(error instanceof Problem) && isConnectionError(error))
    throw new Problem('unavailable', {
      detail: 'the database is unavailable',
      headers: { 'Retry-After': '5' },
      cause: error,
    })
  throw error
}
