import type { Db, Tx } from '@clientele/platform/data/db'
import { foldText } from '@clientele/platform/lists/fold-text'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import { presentCustomer, type ShownCustomer } from '../customers/customer.presenter.ts'
import type { CustomerProjection } from '../customers/customer.projection.ts'
import type { NotificationRow } from './notification.model.ts'

/** The text that `q` searches: order number, code and name of the customer, and recipient. */
export const searchTextOf = (
  { content, to }: Pick<NotificationRow, 'content' | 'to'>,
  customer: ShownCustomer | undefined,
): string => {
  const { code, displayName } = presentCustomer(customer) ?? {}
  return foldText([content.number, code, displayName, to].filter((part) => part).join(' '))
}

const batchSize = 200
const intervalMs = 1_000

const selectRows = 'select id, content, recipient as "to", customer_id as "customerId" from notifications'
const selectMissing = `${selectRows} where search_text is null order by id limit ${batchSize} for no key update skip locked`
const selectOfCustomer = `${selectRows} where customer_id = $1 and ($2::uuid is null or id > $2)
order by id limit ${batchSize} for no key update`
const selectRefresh = `select customer_id as "customerId", after_id as "afterId" from search_text_refreshes
order by customer_id limit 1 for update skip locked`
const store = `update notifications set search_text = source.text from unnest($1::uuid[], $2::text[]) as source (id, text)
where notifications.id = source.id and notifications.search_text is distinct from source.text`

type Row = Pick<NotificationRow, 'id' | 'content' | 'to' | 'customerId'>
type Refresh = { customerId: string; afterId: string | null }
type Deps = { db: Db; customers: Pick<CustomerProjection, 'findShown'> }

/**
 * Creates a function that writes the search texts of notifications that have none, and of those whose customer has another name.
 * Each transaction handles one batch, so the work can be interrupted and shared between replicas.
 */
const createSearchTexts = ({ db, customers }: Deps) => {
  const write = async (rows: readonly Row[], tx: Tx): Promise<void> => {
    const shown = await customers.findShown(
      rows.flatMap(({ customerId }) => customerId ?? []),
      tx,
    )
    const texts = rows.map((row) => searchTextOf(row, shown.get(row.customerId ?? '')))
    await db.query(store, [rows.map(({ id }) => id), texts], { tx })
  }

  const writeMissing = (): Promise<boolean> =>
    db.transaction(async (tx) => {
      const rows = await db.query<Row>(selectMissing, [], { tx })
      if (rows.length > 0) await write(rows, tx)
      return rows.length === batchSize
    })

  const refreshNext = (): Promise<boolean> =>
    db.transaction(async (tx) => {
      const [next] = await db.query<Refresh>(selectRefresh, [], { tx })
      if (!next) return false
      const { customerId, afterId } = next
      const rows = await db.query<Row>(selectOfCustomer, [customerId, afterId], { tx })
      if (rows.length > 0) await write(rows, tx)
      const [sql, values] =
        rows.length === batchSize
          ? ['update search_text_refreshes set after_id = $2 where customer_id = $1', [customerId, rows.at(-1)?.id]]
          : ['delete from search_text_refreshes where customer_id = $1', [customerId]]
      await db.query(sql, values, { tx })
      return true
    })

  return async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted && (await writeMissing()));
    while (!signal.aborted && (await refreshNext()));
  }
}

/** Runs it every second. Without anything to write, a run costs two queries on empty indexes. */
export const searchTextTask = ({ log, ...deps }: Deps & { log: Log }): Task =>
  periodicTask({ name: 'notification-search-text', intervalMs, log, runAtStart: true, run: createSearchTexts(deps) })
