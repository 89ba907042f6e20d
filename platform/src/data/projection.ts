import type { Attributes, Model, ModelStatic } from 'sequelize'
import { columnsOf } from './columns.ts'
import type { Tx } from './database.ts'
import { databaseOf } from './transaction.ts'

/**
 * `final` returns an SQL condition on `row`, the name of the row in SQL, such as `${row}.purged`. A row that matches it is never
 * changed again, and it replaces any other row, whatever their versions.
 */
type UpsertOptions = { final?: (row: string) => string }

const statements = new WeakMap<ModelStatic<Model>, string>()

const upsertStatement = (model: ModelStatic<Model>, { final }: UpsertOptions): string => {
  const columns = Object.entries(columnsOf(model))
  const names = columns.map(([, column]) => column)
  const key = columnsOf(model)[model.primaryKeyAttribute] ?? ''
  const arrays = columns.map(([name], index) => `$${index + 1}::${typeOf(model, name)}[]`)
  const set = names.filter((column) => column !== key).map((column) => `${column} = excluded.${column}`)
  const table = String(model.getTableName())
  const isNewer = `${table}.version < excluded.version`
  const condition = final ? `not (${final(table)}) and (${final('excluded')} or ${isNewer})` : isNewer
  const finalFirst = final ? `(${final('source')}) desc, ` : ''
  return `insert into ${table} (${names.join(', ')})
select distinct on (${key}) * from unnest(${arrays.join(', ')}) as source (${names.join(', ')})
order by ${key}, ${finalFirst}version desc
on conflict (${key}) do update set ${set.join(', ')} where ${condition} returning ${key} as key`
}

const typeOf = (model: ModelStatic<Model>, name: string): string => {
  const type = model.getAttributes()[name]?.type
  return typeof type === 'object' ? type.toSql() : String(type)
}

/**
 * Inserts or updates rows of a projection, each unless the stored version is the same or newer. Events can arrive twice and, after a
 * retry, out of order. Of several rows with the same key, the final or else the newest one counts.
 * @param model a model with the attribute `version` and a primary key of one column
 * @param rows with a value for each attribute of the model
 * @param options must be the same in every call with `model`
 * @returns the keys of the rows that were stored
 */
export const upsertAllIfNewer = async <M extends Model>(
  model: ModelStatic<M>,
  rows: readonly Attributes<M>[],
  tx: Tx,
  options: UpsertOptions = {},
): Promise<Set<string>> => {
  const sql = statements.get(model) ?? upsertStatement(model, options)
  statements.set(model, sql)
  const values = Object.keys(columnsOf(model)).map((name) =>
    rows.map((row) => (row as Record<string, unknown>)[name] ?? null),
  )
  const name = `${String(model.getTableName())}_upsert_if_newer`
  const stored = await databaseOf(tx).query<{ key: string }>(sql, values, { tx, name })
  return new Set(stored.map(({ key }) => key))
}

/** As {@link upsertAllIfNewer}, for one row. @returns whether it was stored */
export const upsertIfNewer = async <M extends Model>(
  model: ModelStatic<M>,
  row: Attributes<M>,
  tx: Tx,
  options: UpsertOptions = {},
): Promise<boolean> => (await upsertAllIfNewer(model, [row], tx, options)).size > 0
