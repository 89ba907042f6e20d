import type { CustomerRef } from '@clientele/contracts/customer-ref'
import { searchTextTask } from '@clientele/features/search-texts/search-text-task'
import type { Db, Tx } from '@clientele/platform/data/db'
import { removeAccents, searchTextOf as toSearchText } from '@clientele/platform/lists/words/fold-text'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import type { CustomerProjection } from '../customers/customer.projection.ts'
import type { OrderFinder } from './order.finder.ts'
import type { OrderLineRow } from './order-line.model.ts'
import { formatOrderNumber } from './order-number.ts'

type Line = Pick<OrderLineRow, 'description'>
type NamedCustomer = Pick<CustomerRef, 'code' | 'displayName'>

/** The text that `q` searches, without the order number that it begins with. */
export const searchTextOf = (lines: readonly Line[], customer: NamedCustomer | null | undefined): string => {
  const names = customer ? [customer.code, customer.displayName] : []
  return toSearchText([...new Set([...names, ...lines.map(({ description }) => description)])])
}

const select = 'select id, number, customer_id as "customerId" from orders'

type Order = { id: string; number: number; customerId: string | null }
type Deps = {
  db: Db
  finder: Pick<OrderFinder, 'linesOf'>
  customers: Pick<CustomerProjection, 'findNamed'>
  log: Log
}

/** Writes the search texts of orders that have none or an outdated one. */
export const orderSearchTextTask = ({ db, finder, customers, log }: Deps): Task => {
  const textsOf = async (orders: readonly Order[], tx: Tx): Promise<string[]> => {
    const lines = await finder.linesOf(
      orders.map(({ id }) => id),
      tx,
    )
    const found = await customers.findNamed(
      orders.map(({ customerId }) => customerId),
      tx,
    )
    return orders.map(({ id, number, customerId }) => {
      const text = searchTextOf(lines.get(id) ?? [], found.get(customerId ?? ''))
      return `${removeAccents(formatOrderNumber(number))} ${text}`
    })
  }
  return searchTextTask({
    name: 'order-search-text',
    db,
    log,
    table: 'orders',
    select,
    isOptional: true,
    refreshes: 'order_text_refreshes',
    textsOf,
  })
}
