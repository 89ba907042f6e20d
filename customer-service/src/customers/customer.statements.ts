import { columnsOf, recordsOf } from '@clientele/platform/data/columns'
import { foldText } from '@clientele/platform/lists/fold-text'
import type { CustomerRow, Customers } from './customer.model.ts'

const join = (parts: (string | null)[]) => parts.filter((text) => text !== null && text !== '').join(' ')

/** What `q` looks into. */
export const searchText = ({ name, surname, email, phone, code, externalId, tags }: CustomerRow): string =>
  join([foldText(join([name, surname, email, phone])), code.toLowerCase(), foldText(join([externalId, ...tags]))])

/** The next code, and how user-service names its maker. */
export const nextCode = `select next_customer_code() as code,
  (select display_name from user_names where id = $1) as "displayName"`

/** Counts an edit. Gives the editor's name as user-service last told it. */
export const addEdit = `insert into customer_editors (customer_id, user_id, user_name, first_at, last_at, edits)
values ($1, $2, $3, $4, $4, 1)
on conflict (customer_id, user_id) do update
set last_at = excluded.last_at, edits = customer_editors.edits + 1, user_name = excluded.user_name
returning (select display_name from user_names where user_names.id = customer_editors.user_id) as "displayName"`

/** A row to store; `edits`: how often it was made or changed on the way. */
export type Edited = { row: CustomerRow; edits: number }

const editors = (source: string) => `edited as (
  insert into customer_editors (customer_id, user_id, user_name, first_at, last_at, edits)
  select given.id, updated_by, updated_by_name, updated_at, updated_at, counted.edits
  from given join ${source} using (id) join unnest($2::uuid[], $3::integer[]) as counted (id, edits) using (id)
  where $4::boolean order by given.id
  on conflict (customer_id, user_id) do update
  set last_at = excluded.last_at, edits = customer_editors.edits + excluded.edits, user_name = excluded.user_name
) select id from ${source}`

/** Statements for the rows of imports, with their editors. */
export const bulkStatements = (model: Customers) => {
  const columns = Object.values(columnsOf(model))
  const fixed = new Set(['id', 'code', 'user_id', 'created_at', 'created_by', 'created_by_name'])
  const changing = columns.filter((column) => !fixed.has(column))
  const given = 'given as materialized (select * from json_populate_recordset(null::customers, $1::json))'
  return {
    /**
     * Makes many that have their codes; gives the ids of those whose unique values nobody else has. In the order of those, so
     * that two such statements wait for each other at most.
     */
    insert: `with ${given}, made as (
  insert into customers (${columns.join(', ')}) select ${columns.join(', ')} from given order by email, external_id
  on conflict do nothing returning id
), ${editors('made')}`,

    /** Stores all that can change of many. */
    update: `with ${given}, saved as (
  update customers set ${changing.map((column) => `${column} = given.${column}`).join(', ')}
  from given where customers.id = given.id returning customers.id
), ${editors('saved')}`,

    /** Parameters of both; `recorded`: whether the editor is somebody to remember. */
    values: (edited: readonly Edited[], recorded: boolean): unknown[] => [
      recordsOf(
        model,
        edited.map(({ row }) => ({ ...row, searchText: searchText(row) })),
      ),
      edited.map(({ row }) => row.id),
      edited.map(({ edits }) => edits),
      recorded,
    ],
  }
}
