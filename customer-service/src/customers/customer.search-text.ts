import { searchTextTask } from '@clientele/features/search-texts/search-text-task'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import type { CustomerRow } from './customer.model.ts'
import { searchText } from './customer.statements.ts'

const select = 'select id, name, surname, email, phone, code, external_id as "externalId", tags from customers'
const store = `update customers set search_text = source.text from unnest($1::uuid[], $2::text[]) as source (id, text)
where customers.id = source.id`

type Row = Pick<CustomerRow, 'id' | 'name' | 'surname' | 'email' | 'phone' | 'code' | 'externalId' | 'tags'>

/** Writes the search texts of customers that an earlier release has written. */
export const customerSearchTextTask = ({ db, log }: { db: Db; log: Log }): Task => {
  const write = async (rows: readonly Row[], tx: Tx): Promise<void> => {
    await db.query(store, [rows.map(({ id }) => id), rows.map(searchText)], { tx })
  }
  return searchTextTask({ name: 'customer-search-text', db, log, select, write })
}
