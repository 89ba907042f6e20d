import { columnsOf, toJsonRecords } from '@clientele/platform/data/columns'
import { searchTextOf } from '@clientele/platform/lists/words/fold-text'
import type { CustomerRow, Customers } from './customer.model.ts'

type SearchedFields = Pick<CustomerRow, 'name' | 'surname' | 'email' | 'phone' | 'code' | 'externalId' | 'tags'>

/** The text that `q` searches. */
export const searchText = ({ name, surname, email, phone, code, externalId, tags }: SearchedFields): string =>
  searchTextOf([name, surname, email, phone, code, externalId, ...tags])

export const nextCode = 'select next_customer_code() as code'

/** The statements of imports. */
export const bulkStatements = (model: Customers) => {
  const columns = Object.values(columnsOf(model))
  const immutable = new Set(['id', 'code', 'user_id', 'created_at', 'created_by', 'created_by_name'])
  const mutable = columns.filter((column) => !immutable.has(column))
  const given = 'json_populate_recordset(null::customers, $1::json) as given'
  return {
    /**
     * Inserts rows that have their codes and returns the ids of those whose unique values are free. The rows are in the order
     * of their unique values, so that two such statements wait for each other but never deadlock.
     */
    insert: `insert into customers (${columns.join(', ')}) select ${columns.join(', ')} from ${given}
order by email, external_id on conflict do nothing returning id`,

    /** Updates all columns that can change. */
    update: `update customers set ${mutable.map((column) => `${column} = given.${column}`).join(', ')}
from ${given} where customers.id = given.id returning customers.id`,

    /** The parameter of both statements. */
    values: (rows: readonly CustomerRow[]): unknown[] => [
      toJsonRecords(
        model,
        rows.map((row) => ({ ...row, searchText: searchText(row) })),
      ),
    ],
  }
}
