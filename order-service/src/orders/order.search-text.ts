import type { CustomerRef } from '@clientele/contracts/customer-ref'
import type { Db, Tx } from '@clientele/platform/data/db'
import { foldText } from '@clientele/platform/lists/fold-text'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import type { CustomerProjection } from '../customers/customer.projection.ts'
import type { OrderFinder } from './order.finder.ts'
import type { OrderLineRow } from './order-line.model.ts'
import { formatOrderNumber } from './order-number.ts'

type Line = Pick<OrderLineRow, 'description'>
type NamedCustomer = Pick<CustomerRef, 'code' | 'displayName'>

/** The text that `q` searches, without the order number that it begins with. */
export const searchTextOf = (lines: readonly Line[], customer: NamedCustomer | null | undefined): string => {
  const names = customer ? [customer.code, customer.displayName] : []
  return foldText([...new Set([...names, ...lines.map(({ description }) => description)])].join(' '))
}

const batchSize = 200
const intervalMs = 1_000

const selectOrders = 'select id, number, customer_id as "customerId" from orders'
const selectMissing = `${selectOrders} where search_text is null order by id limit ${batchSize} for no key update skip locked`
const selectOfCustomer = `${selectOrders} where customer_id = $1 and ($2::uuid is null or id > $2)
order by id limit ${batchSize} for no key update`
const selectRefresh = `select customer_id as "customerId", after_id as "afterId" from order_text_refreshes
order by customer_id limit 1 for update skip locked`
const store = `update orders set search_text = source.text from unnest($1::uuid[], $2::text[]) as source (id, text)
where orders.id = source.id and orders.search_text is distinct from source.text`

type Order = { id: string; number: number; customerId: string | null }
type Deps = { db: Db; finder: Pick<OrderFinder, 'linesOf'>; customers: Pick<CustomerProjection, 'findNamed'> }

/**
 * Creates a function that writes the search texts of orders that have none, and of those whose customer has another name. Each
 * transaction handles one batch, so the work can be interrupted and shared between replicas.
 */
const createSearchTexts = ({ db, finder, customers }: Deps) => {
  const write = async (orders: readonly Order[], tx: Tx): Promise<void> => {
    const ids = orders.map(({ id }) => id)
    const lines = await finder.linesOf(ids, tx)
    const found = await customers.findNamed(
      orders.map(({ customerId }) => customerId),
      tx,
    )
    const texts = orders.map(({ id, number, customerId }) => {
      const text = searchTextOf(lines.get(id) ?? [], found.get(customerId ?? ''))
      return `${foldText(formatOrderNumber(number))} ${text}`
    })
    await db.query(store, [ids, texts], { tx })
  }

  const writeMissing = (): Promise<boolean> =>
    db.transaction(async (tx) => {
      const orders = await db.query<Order>(selectMissing, [], { tx })
      if (orders.length > 0) await write(orders, tx)
      return orders.length === batchSize
    })

  const refreshNext = (): Promise<boolean> =>
    db.transaction(async (tx) => {
      const [next] = await db.query<{ customerId: string; afterId: string | null }>(selectRefresh, [], { tx })
      if (!next) return false
      const { customerId, afterId } = next
      const orders = await db.query<Order>(selectOfCustomer, [customerId, afterId], { tx })
      if (orders.length > 0) await write(orders, tx)
      const [sql, values] =
        orders.length === batchSize
          ? ['update order_text_refreshes set after_id = $2 where customer_id = $1', [customerId, orders.at(-1)?.id]]
          : ['delete from order_text_refreshes where customer_id = $1', [customerId]]
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
  periodicTask({ name: 'order-search-text', intervalMs, log, runAtStart: true, run: createSearchTexts(deps) })
