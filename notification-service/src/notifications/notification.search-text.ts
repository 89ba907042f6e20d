import { searchTextTask } from '@clientele/features/search-texts/search-text-task'
import type { Db, Tx } from '@clientele/platform/data/db'
import { searchTextOf as toSearchText } from '@clientele/platform/lists/words/fold-text'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import { presentCustomer, type ShownCustomer } from '../customers/customer.presenter.ts'
import type { CustomerProjection } from '../customers/customer.projection.ts'
import type { NotificationRow } from './notification.model.ts'

/** The text that `q` searches: order number, code and name of the customer, and recipient. */
export const searchTextOf = (
  { content, to }: Pick<NotificationRow, 'content' | 'to'>,
  customer: ShownCustomer | undefined,
): string => {
  const { code, displayName } = presentCustomer(customer) ?? {}
  return toSearchText([content.number, code, displayName, to])
}

const select = 'select id, content, recipient as "to", customer_id as "customerId" from notifications'

type Row = Pick<NotificationRow, 'id' | 'content' | 'to' | 'customerId'>
type Deps = { db: Db; customers: Pick<CustomerProjection, 'findShown'>; log: Log }

/** Writes the search texts of notifications that have none or an outdated one. */
export const notificationSearchTextTask = ({ db, customers, log }: Deps): Task => {
  const textsOf = async (rows: readonly Row[], tx: Tx): Promise<string[]> => {
    const shown = await customers.findShown(
      rows.flatMap(({ customerId }) => customerId ?? []),
      tx,
    )
    return rows.map((row) => searchTextOf(row, shown.get(row.customerId ?? '')))
  }
  return searchTextTask({
    name: 'notification-search-text',
    db,
    log,
    table: 'notifications',
    select,
    isOptional: true,
    refreshes: 'search_text_refreshes',
    textsOf,
  })
}
