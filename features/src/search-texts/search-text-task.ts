import type { Db, Tx } from '@clientele/platform/data/db'
import { lacksFoldedForms } from '@clientele/platform/lists/words/fold-text'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'

const batchSize = 200
const intervalMs = 1_000
const firstId = '00000000-0000-0000-0000-000000000000'

type Options<Row extends { id: string }> = {
  name: string
  db: Db
  log: Log
  /** The table with the columns `id` and `search_text`. */
  table: string
  /** `select … from …` of the records whose search texts are written, with `search_text` and, for refreshes, `customer_id`. */
  select: string
  /** Whether a record may have no search text, null. There must be an index on the id for these. */
  isOptional?: boolean
  /** The table that names the customers whose records need new texts, with `customer_id` and `after_id`. */
  refreshes?: string
  /** Returns the search text of each record of a batch, in their order. */
  textsOf(rows: readonly Row[], tx: Tx): string[] | Promise<string[]>
}

/**
 * Creates a function that writes the search texts of records that have none, that lack folded forms because an earlier release wrote
 * them, or whose customer has another name. Each transaction handles one batch, so the work can be interrupted and shared between
 * replicas.
 */
const createSearchTexts = <Row extends { id: string }>(options: Options<Row>) => {
  const { db, table, select, isOptional = false, refreshes, textsOf } = options
  const store = `update ${table} set search_text = source.text from unnest($1::uuid[], $2::text[]) as source (id, text)
where ${table}.id = source.id and ${table}.search_text is distinct from source.text`
  const end = `order by id limit ${batchSize} for no key update`
  const selectIncomplete = (condition: string) => `${select} where ${condition} and id > $1::uuid ${end} skip locked`
  const selectOfCustomer = `${select} where customer_id = $1 and ($2::uuid is null or id > $2) ${end}`
  const selectRefresh = `select customer_id as "customerId", after_id as "afterId" from ${refreshes}
order by customer_id limit 1 for update skip locked`

  const write = async (rows: readonly Row[], tx: Tx): Promise<void> => {
    if (rows.length === 0) return
    await db.query(store, [rows.map(({ id }) => id), await textsOf(rows, tx)], { tx })
  }

  // Nearly always there is nothing to do, and no transaction is opened.
  const hasIncomplete = async (condition: string): Promise<boolean> =>
    (await db.query(`${select} where ${condition} order by id limit 1`)).length > 0
  const hasRefreshes = async (): Promise<boolean> =>
    refreshes !== undefined && (await db.query(`select from ${refreshes} limit 1`)).length > 0

  /** @returns the last id of the batch; undefined if no further records are incomplete */
  const writeIncomplete = (condition: string, after: string): Promise<string | undefined> =>
    db.transaction(async (tx) => {
      const rows = await db.query<Row>(selectIncomplete(condition), [after], { tx })
      await write(rows, tx)
      return rows.length === batchSize ? rows.at(-1)?.id : undefined
    })

  const refreshNext = (): Promise<boolean> =>
    db.transaction(async (tx) => {
      const [next] = await db.query<{ customerId: string; afterId: string | null }>(selectRefresh, [], { tx })
      if (!next) return false
      const { customerId, afterId } = next
      const rows = await db.query<Row>(selectOfCustomer, [customerId, afterId], { tx })
      await write(rows, tx)
      const [sql, values] =
        rows.length === batchSize
          ? [`update ${refreshes} set after_id = $2 where customer_id = $1`, [customerId, rows.at(-1)?.id]]
          : [`delete from ${refreshes} where customer_id = $1`, [customerId]]
      await db.query(sql, values, { tx })
      return true
    })

  return async (signal: AbortSignal): Promise<void> => {
    for (const condition of [...(isOptional ? ['search_text is null'] : []), lacksFoldedForms]) {
      let after = (await hasIncomplete(condition)) ? firstId : undefined
      while (after !== undefined && !signal.aborted) after = await writeIncomplete(condition, after)
    }
    if (await hasRefreshes()) while (!signal.aborted && (await refreshNext()));
  }
}

/** Writes missing and outdated search texts every second. Without any, a run costs two or three queries on empty indexes. */
export const searchTextTask = <Row extends { id: string }>(options: Options<Row>): Task =>
  periodicTask({ name: options.name, intervalMs, log: options.log, runAtStart: true, run: createSearchTexts(options) })
