import pg from 'pg'

const statementNames = new Map<string, string>()

/**
 * Registers a prepared statement: each connection prepares the text once and then runs it by name. PostgreSQL then parses it only
 * once, and reuses its plan if a new one would be no better. Use it for constant texts only, since texts are never removed.
 */
export const prepareStatement = (name: string, text: string): void => {
  statementNames.set(text, name)
}

type Callback = (error: Error | null, result?: pg.QueryResult) => void

const queryTimeout = 'Query read timeout'

/**
 * The client of pg, for the `dialectModule` of Sequelize, with three differences:
 * - Statements of {@link prepareStatement} run as prepared statements.
 * - COMMIT fails if a statement of the transaction has failed. PostgreSQL rolls such a transaction back, which Sequelize reports
 *   as success.
 * - A connection that does not respond within `query_timeout` is closed at once, because later statements would wait as well.
 */
export class DatabaseClient extends pg.Client {
  #running = 0

  /** Whether a statement is running or a transaction is open. */
  get isBusy(): boolean {
    const status = this.getTransactionStatus()
    return this.#running > 0 || status === 'T' || status === 'E'
  }

  // Sequelize calls query(text, callback) and query(text, values, callback). All other forms are handed to pg.
  override query(...args: unknown[]): never {
    const [text] = args
    const callback = args.at(-1)
    if (typeof text !== 'string' || typeof callback !== 'function') return this.#send(args)
    this.#running += 1
    const done: Callback = (error, result) => {
      this.#running -= 1
      if (error?.message === queryTimeout) this.end().catch(() => {})
      const isRolledBack = text === 'COMMIT;' && result?.command === 'ROLLBACK'
      callback(
        isRolledBack ? new Error('nothing was committed, because a statement of the transaction has failed') : error,
        result,
      )
    }
    const name = statementNames.get(text)
    if (name === undefined) return this.#send([...args.slice(0, -1), done])
    return this.#send([{ name, text, values: args.length > 2 ? args[1] : [] }, done])
  }

  #send(args: unknown[]): never {
    return super.query(...(args as [string])) as never
  }
}
