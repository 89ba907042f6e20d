import pg from 'pg'

const statementNames = new Map<string, string>()

/**
 * Makes every connection prepare a statement once and run it by name from then on: PostgreSQL then parses it once a
 * connection, and keeps its plan where that is as good as a new one. For fixed texts only.
 */
export const prepareStatement = (name: string, text: string): void => {
  statementNames.set(text, name)
}

type Callback = (error: Error | null, result?: pg.QueryResult) => void

const queryTimeout = 'Query read timeout'

/**
 * pg's client, given to Sequelize as its `dialectModule`, with three differences:
 * - statements of {@link prepareStatement} run as prepared ones;
 * - the commit of a transaction in which a statement failed is an error. PostgreSQL answers such a COMMIT by rolling back,
 *   and Sequelize would take that for success;
 * - a connection that gave no answer within `query_timeout` is closed at once: what is sent over it would wait as well.
 */
export class DatabaseClient extends pg.Client {
  #running = 0

  /** Whether it is at work: a statement is running, or a transaction is open. */
  get isBusy(): boolean {
    const status = this.getTransactionStatus()
    return this.#running > 0 || status === 'T' || status === 'E'
  }

  // Sequelize calls query(text, callback) and query(text, values, callback); all other forms are pg's own.
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
        isRolledBack ? new Error('a statement of this transaction had failed: nothing was committed') : error,
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
