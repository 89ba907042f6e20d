import pg from 'pg'

const statementNames = new Map<string, string>()

/**
 * Makes every connection prepare a statement once and run it by name from then on: PostgreSQL then parses it once a
 * connection, and keeps its plan where that is as good as a new one. For fixed texts only.
 */
export const prepareStatement = (name: string, text: string): void => {
  statementNames.set(text, name)
}

type Callback = (error: Error | null, result?: Pick<pg.QueryResult, 'command' | 'rowCount' | 'rows'>) => void

const begin = 'START TRANSACTION;'
const commit = 'COMMIT;'
const isEnd = (text: string): boolean => text === commit || text === 'ROLLBACK;'

/**
 * pg's client, given to Sequelize as its `dialectModule`, with these differences:
 * - statements of {@link prepareStatement} run as prepared ones;
 * - a transaction begins with its first statement: both are sent in one packet, which saves a round trip;
 * - the commit of a transaction in which a statement failed is an error. PostgreSQL answers such a COMMIT by rolling back,
 *   and Sequelize would take that for success.
 */
export class DatabaseClient extends pg.Client {
  #running = 0
  #isBeginning = false

  constructor(config: pg.ClientConfig) {
    // The first statement of a transaction does not wait for the answer to its begin.
    super({ ...config, pipeline: true })
  }

  /** Whether it is at work: a statement is running, or a transaction is open. */
  get isBusy(): boolean {
    const status = this.getTransactionStatus()
    return this.#running > 0 || this.#isBeginning || status === 'T' || status === 'E'
  }

  // Sequelize calls query(text, callback) and query(text, values, callback); all other forms are pg's own.
  override query(...args: unknown[]): never {
    const [text, values] = args
    const callback = args.at(-1)
    if (typeof text !== 'string' || typeof callback !== 'function') return super.query(...(args as [string])) as never
    if (text === begin) return this.#begin(callback as Callback)
    if (this.#isBeginning && isEnd(text)) return this.#endUnbegun(callback as Callback)
    return this.#run(text, Array.isArray(values) ? values : undefined, callback as Callback)
  }

  #begin(callback: Callback): never {
    this.#isBeginning = true
    return callback(null, { command: 'START', rowCount: null, rows: [] }) as never
  }

  #endUnbegun(callback: Callback): never {
    this.#isBeginning = false
    return callback(null, { command: 'COMMIT', rowCount: null, rows: [] }) as never
  }

  #run(text: string, values: unknown[] | undefined, callback: Callback): never {
    this.#running += 1
    const done: Callback = (error, result) => {
      this.#running -= 1
      const isRolledBack = text === commit && result?.command === 'ROLLBACK'
      callback(
        isRolledBack ? new Error('a statement of this transaction had failed: nothing was committed') : error,
        result,
      )
    }
    const name = statementNames.get(text)
    const { stream } = this.connection
    stream.cork()
    if (this.#isBeginning) {
      this.#isBeginning = false
      // If it fails, so does the statement behind it.
      super.query(begin).catch(() => {})
    }
    if (name !== undefined) super.query({ name, text, values: values ?? [] }, done)
    else if (values) super.query(text, values, done)
    else super.query(text, done)
    stream.uncork()
    return undefined as never
  }
}
