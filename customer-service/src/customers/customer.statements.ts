import { columnsOf, toJsonRecord, toJsonRecords } from '@clientele/platform/data/columns'
import type { RecordStatement } from '@clientele/platform/events/outbox/outbox'
import { searchTextOf } from '@clientele/platform/lists/words/fold-text'
import type { CustomerRow, Customers } from './customer.model.ts'

type SearchedFields = Pick<CustomerRow, 'name' | 'surname' | 'email' | 'phone' | 'code' | 'externalId' | 'tags'>

/** The text that `q` searches. */
export const searchText = ({ name, surname, email, phone, code, externalId, tags }: SearchedFields): string =>
  searchTextOf([name, surname, email, phone, code, externalId, ...tags])
const withSearchText = (row: CustomerRow) => ({ ...row, searchText: searchText(row) })

export const nextCode = 'select next_customer_code() as code'

const immutable = ['id', 'code', 'user_id', 'created_at', 'created_by', 'created_by_name']

/** The parts of the statements: all columns, and the assignment of those that can change. */
const columnLists = (model: Customers) => {
  const columns = Object.values(columnsOf(model))
  const mutable = columns.filter((column) => !immutable.includes(column))
  return { all: columns.join(', '), set: mutable.map((column) => `${column} = given.${column}`).join(', ') }
}

/** The statements that write one customer, for `outbox.addWith`. */
export const recordStatements = (model: Customers) => {
  const { all, set } = columnLists(model)
  const given = 'json_populate_record(null::customers, $1::json) as given'
  const insert = `insert into customers (${all}) select ${all} from ${given} returning id`
  const update = `update customers set ${set} from ${given}
where customers.id = given.id and customers.version = given.version - 1 returning customers.id`
  const values = (row: CustomerRow): unknown[] => [toJsonRecord(model, withSearchText(row))]
  return {
    insert: (row: CustomerRow): RecordStatement => ({ name: 'customer_insert', sql: insert, values: values(row) }),

    /** Stores the next version of a customer. It writes nothing if the stored version is another than the one before. */
    update: (row: CustomerRow): RecordStatement => ({ name: 'customer_update', sql: update, values: values(row) }),
  }
}

/** The statements of imports. */
export const bulkStatements = (model: Customers) => {
  const { all, set } = columnLists(model)
  const given = 'json_populate_recordset(null::customers, $1::json) as given'
  return {
    /**
     * Inserts rows that have their codes and returns the ids of those whose unique values are free. The rows are in the order
     * of their unique values, so that two such statements wait for each other but never deadlock.
     */
    insert: `insert into customers (${all}) select ${all} from ${given}
order by email, external_id on conflict do nothing returning id`,

    /** Updates all columns that can change. */
    update: `update customers set ${set} from ${given} where customers.id = given.id returning customers.id`,

    /** The parameter of both statements. */
    values: (rows: readonly CustomerRow[]): unknown[] => [toJsonRecords(model, rows.map(withSearchText))],
  }
}
