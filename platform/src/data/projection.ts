import type { Attributes, Model, ModelStatic } from 'sequelize'
import { columnsOf } from './columns.ts'
import type { Tx } from './database.ts'
import { databaseOf } from './transaction.ts'

/** `final`: a condition on a row (given its name in SQL) that ends all changes; a row that meets it counts as the newest. */
type Options = { final?: (row: string) => string }

const statements = new WeakMap<ModelStatic<Model>, string>()

const statementOf = (model: ModelStatic<Model>, { final }: Options): string => {
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
 * Stores what an event tells of another service's record, unless a newer version of it is known: events can come twice, and
 * after a retry in another order.
 * @param model has the attribute `version`, and one column as its primary key
 * @param row a value for each attribute of the model
 * @param options the same for every call with `model`
 * @returns whether it was stored
 */
export const upsertIfNewer = async <M extends Model>(
  model: ModelStatic<M>,
  row: Attributes<M>,
  tx: Tx,
  options: Options = {},
): Promise<boolean> => {
  const sql = statements.get(model) ?? statementOf(model, options)
  statements.set(model, sql)
  const values = Object.keys(columnsOf(model)).map((name) => (row as Record<string, unknown>)[name] ?? null)
  const stored = await databaseOf(tx).query(sql, values, {
    tx,
    name: `${String(model.getTableName())}_upsert_if_newer`,
  })
  return stored.length > 0
}
