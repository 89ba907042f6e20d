import { columnsOf, recordsOf } from '@clientele/platform/data/columns'
import { foldText } from '@clientele/platform/lists/fold-text'
import type { CustomerRow, Customers } from './customer.model.ts'

const join = (parts: (string | null)[]) => parts.filter((text) => text !== null && text !== '').join(' ')

/** What `q` looks into. */
export const searchText = ({ name, surname, email, phone, code, externalId, tags }: CustomerRow): string =>
  join([foldText(join([name, surname, email, phone])), code.toLowerCase(), foldText(join([externalId, ...tags]))])

export const nextCode = 'select next_customer_code() as code'

/** Statements for the rows of imports. */
export const bulkStatements = (model: Customers) => {
  const columns = Object.values(columnsOf(model))
  const fixed = new Set(['id', 'code', 'user_id', 'created_at', 'created_by', 'created_by_name'])
  const changing = columns.filter((column) => !fixed.has(column))
  const given = 'json_populate_recordset(null::customers, $1::json) as given'
  return {
    /**
     * Makes many that have their codes; gives the ids of those whose unique values nobody else has. In the order of those, so
     * that two such statements wait for each other at most.
     */
    insert: `insert into customers (${columns.join(', ')}) select ${columns.join(', ')} from ${given}
order by email, external_id on conflict do nothing returning id`,

    /** Stores all that can change of many. */
    update: `update customers set ${changing.map((column) => `${column} = given.${column}`).join(', ')}
from ${given} where customers.id = given.id returning customers.id`,

    /** The parameter of both. */
    values: (rows: readonly CustomerRow[]): unknown[] => [
      recordsOf(
        model,
        rows.map((row) => ({ ...row, searchText: searchText(row) })),
      ),
    ],
  }
}
