import { searchTextTask } from '@clientele/features/search-texts/search-text-task'
import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import type { CustomerRow } from './customer.model.ts'
import { searchText } from './customer.statements.ts'

const select = 'select id, name, surname, email, phone, code, external_id as "externalId", tags from customers'

type Row = Pick<CustomerRow, 'id' | 'name' | 'surname' | 'email' | 'phone' | 'code' | 'externalId' | 'tags'>

/** Writes the search texts of customers that an earlier release has written. */
export const customerSearchTextTask = ({ db, log }: { db: Db; log: Log }): Task =>
  searchTextTask({
    name: 'customer-search-text',
    db,
    log,
    table: 'customers',
    select,
    textsOf: (rows: readonly Row[]) => rows.map(searchText),
  })
