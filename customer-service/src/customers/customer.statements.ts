import { foldText } from '@clientele/platform/lists/fold-text'
import type { CustomerFields } from './customer.change.ts'
import type { CustomerRow } from './customer.model.ts'

type Column = [name: string, type: string, value: (row: CustomerRow) => unknown]

const changing: Column[] = [
  ['external_id', 'text', (row) => row.externalId],
  ['name', 'text', (row) => row.name],
  ['surname', 'text', (row) => row.surname],
  ['email', 'text', (row) => row.email],
  ['phone', 'text', (row) => row.phone],
  ['photo_media_id', 'uuid', (row) => row.photoMediaId],
  ['tags', 'text[]', (row) => row.tags],
  ['address', 'jsonb', (row) => row.address],
  ['locale', 'text', (row) => row.locale],
  ['sms_opt_out', 'boolean', (row) => row.smsOptOut],
  ['metadata', 'jsonb', (row) => row.metadata],
  ['updated_at', 'timestamptz', (row) => row.updatedAt.toISOString()],
  ['updated_by', 'text', (row) => row.updatedBy],
  ['updated_by_name', 'text', (row) => row.updatedByName],
  ['deleted_at', 'timestamptz', (row) => row.deletedAt?.toISOString() ?? null],
  ['version', 'integer', (row) => row.version],
]
const lasting: Column[] = [
  ['id', 'uuid', (row) => row.id],
  ['user_id', 'text', (row) => row.userId],
  ['created_at', 'timestamptz', (row) => row.createdAt.toISOString()],
  ['created_by', 'text', (row) => row.createdBy],
  ['created_by_name', 'text', (row) => row.createdByName],
]

/** What `q` looks into, around the code: the database gives that. */
const searched = ({ name, surname, email, phone, externalId, tags }: CustomerFields): [string, string] => {
  const folded = (parts: (string | null)[]) => foldText(parts.filter((text) => text !== null).join(' '))
  return [folded([name, surname, email, phone]), folded([externalId, ...tags])]
}

const places = (columns: Column[], from: number) => columns.map(([, type], index) => `$${from + index}::${type}`)
const names = (columns: Column[]) => columns.map(([name]) => name).join(', ')
const parameter = (type: string, value: unknown): unknown =>
  type === 'jsonb' && value !== null ? JSON.stringify(value) : value
const values = (columns: Column[], row: CustomerRow) => columns.map(([, type, value]) => parameter(type, value(row)))

const searchText = (before: string, code: string, after: string) =>
  `concat_ws(' ', nullif(${before}::text, ''), lower(${code}), nullif(${after}::text, ''))`
const place = (columns: Column[], wanted: string, from = 1) =>
  places(columns, from)[columns.findIndex(([name]) => name === wanted)]

// Editor and customer go in one statement, which gives the editor's name as user-service last told it.
const editor = (all: Column[], source: string, person: string) => `edited as (
  insert into customer_editors (customer_id, user_id, user_name, first_at, last_at)
  select id, ${place(all, 'updated_by')}, ${place(all, 'updated_by_name')}, ${place(all, 'updated_at')}, ${place(all, 'updated_at')}
  from ${source} where ${person}::boolean
  on conflict (customer_id, user_id) do update
  set last_at = excluded.last_at, edits = customer_editors.edits + 1, user_name = excluded.user_name
) select code, (select display_name from user_names where user_names.id = ${place(all, 'updated_by')}) as name from ${source}`

const all = [...changing, ...lasting]
const last = all.length

/** Makes a customer, its code included. */
export const insert = `with made as (
  insert into customers (${names(all)}, code, search_text)
  select ${places(all, 1).join(', ')}, code, ${searchText(`$${last + 1}`, 'code', `$${last + 2}`)} from next_customer_code() as code
  returning id, code
), ${editor(all, 'made', `$${last + 3}`)}`

/** Stores all that can change. */
export const update = `with saved as (
  update customers set (${names(changing)}) = row(${places(changing, 1).join(', ')}),
    search_text = ${searchText(`$${changing.length + 2}`, 'code', `$${changing.length + 3}`)}
  where id = $${changing.length + 1}::uuid returning id, code
), ${editor(changing, 'saved', `$${changing.length + 4}`)}`

/** `recorded`: whether the editor is somebody to remember. */
export const insertValues = (row: CustomerRow, recorded: boolean): unknown[] => [
  ...values(all, row),
  ...searched(row),
  recorded,
]
export const updateValues = (row: CustomerRow, recorded: boolean): unknown[] => [
  ...values(changing, row),
  row.id,
  ...searched(row),
  recorded,
]

const given = (columns: Column[]) => `given as materialized (
  select * from json_to_recordset($1) as given (${columns.map(([name, type]) => `${name} ${type}`).join(', ')},
    ${columns === all ? '' : 'id uuid, '}code text, edits integer, before text, after text)
)`
const editors = (source: string) => `edited as (
  insert into customer_editors (customer_id, user_id, user_name, first_at, last_at, edits)
  select id, updated_by, updated_by_name, updated_at, updated_at, edits from given join ${source} using (id)
  where $2::boolean order by id
  on conflict (customer_id, user_id) do update
  set last_at = excluded.last_at, edits = customer_editors.edits + excluded.edits, user_name = excluded.user_name
) select id from ${source}`

/** Makes many that have their codes; gives the ids of those whose unique values nobody else has. In the order of those, so that two such statements wait for each other at most. */
export const insertMany = `with ${given(all)}, made as (
  insert into customers (${names(all)}, code, search_text)
  select ${names(all)}, code, ${searchText('before', 'code', 'after')} from given order by email, external_id
  on conflict do nothing returning id
), ${editors('made')}`

/** Stores all that can change of many. */
export const updateMany = `with ${given(changing)}, saved as (
  update customers set (${names(changing)}) = row(${changing.map(([name]) => `given.${name}`).join(', ')}),
    search_text = ${searchText('given.before', 'given.code', 'given.after')}
  from given where customers.id = given.id returning customers.id
), ${editors('saved')}`

/** Rows for both; `edits`: how often each was made or changed. */
export const manyValues = (rows: readonly { row: CustomerRow; edits: number }[], recorded: boolean): unknown[] => {
  const records = rows.map(({ row, edits }) => {
    const record: Record<string, unknown> = { edits }
    for (const [name, , value] of all) record[name] = value(row)
    const [before, after] = searched(row)
    return Object.assign(record, { code: row.code, before, after })
  })
  return [JSON.stringify(records), recorded]
}
