import type { Sequelize, Transaction } from 'sequelize'

/** A transaction of Sequelize; pass it to each query that belongs to it. */
export type Tx = Transaction

/** One service's connection pool to its own schema. */
export type Db = {
  sequelize: Sequelize
  schema: string
  /** Runs `fn` in a transaction and commits; any error rolls back. Joins the transaction of an idempotent request. */
  transaction<T>(fn: (tx: Tx) => Promise<T>): Promise<T>
  /**
   * Runs one statement with `$1` parameters on a connection of the pool, or on that of the transaction. With `name` it is a
   * prepared statement.
   */
  query<R extends object>(
    sql: string,
    values?: unknown[],
    options?: { tx?: Tx | undefined; name?: string },
  ): Promise<R[]>
  /**
   * The transaction of the idempotent request being handled, if there is one. `transaction` and `query` join it by themselves;
   * a model reads what the request has written only if it is given this.
   */
  requestTransaction(): Tx | undefined
  /** Resolves when the database answers; rejects otherwise. */
  ping(): Promise<void>
  close(): Promise<void>
}
