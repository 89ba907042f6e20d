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
  const columns = Object.values(columnsOf(model))
  const key = columnsOf(model)[model.primaryKeyAttribute] ?? ''
  const set = columns.filter((column) => column !== key).map((column) => `${column} = excluded.${column}`)
  const table = String(model.getTableName())
  const isNewer = `${table}.version < excluded.version`
  const condition = final ? `not (${final(table)}) and (${final('excluded')} or ${isNewer})` : isNewer
  return `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, index) => `$${index + 1}`).join(', ')})
on conflict (${key}) do update set ${set.join(', ')} where ${condition} returning ${key}`
}

/**
 * Inserts or updates a row of a projection, unless the stored version is the same or newer. Events can arrive twice and, after a
 * retry, out of order.
 * @param model a model with the attribute `version` and a primary key of one column
 * @param row a value for each attribute of the model
 * @param options must be the same in every call with `model`
 * @returns whether the row was stored
 */
export const upsertIfNewer = async <M extends Model>(
  model: ModelStatic<M>,
  row: Attributes<M>,
  tx: Tx,
  options: UpsertOptions = {},
): Promise<boolean> => {
  const sql = statements.get(model) ?? upsertStatement(model, options)
  statements.set(model, sql)
  const values = Object.keys(columnsOf(model)).map((name) => (row as Record<string, unknown>)[name] ?? null)
  const stored = await databaseOf(tx).query(sql, values, {
    tx,
    name: `${String(model.getTableName())}_upsert_if_newer`,
  })
  return stored.length > 0
}
