import type { Sequelize, Transaction } from 'sequelize'

/** A transaction of Sequelize. Pass it to every query that belongs to it. */
export type Tx = Transaction

/** The connection pool of a service to its own schema. */
export type Db = {
  sequelize: Sequelize
  schema: string
  /**
   * Runs `fn` in a transaction, which an error rolls back. In an idempotent request, `fn` runs in a savepoint of its
   * transaction.
   */
  transaction<T>(fn: (tx: Tx) => Promise<T>): Promise<T>
  /**
   * Runs one statement with `$1` parameters, on the connection of `tx` or on one of the pool. With `name` it runs as a prepared
   * statement.
   */
  query<R extends object>(
    sql: string,
    values?: unknown[],
    options?: { tx?: Tx | undefined; name?: string },
  ): Promise<R[]>
  /**
   * The transaction of the current idempotent request, if there is one. `transaction` and `query` use it automatically. Pass it
   * to a model, which otherwise does not see what the request has written.
   */
  requestTransaction(): Tx | undefined
  /** Resolves if the database responds, else rejects. */
  ping(): Promise<void>
  close(): Promise<void>
}
