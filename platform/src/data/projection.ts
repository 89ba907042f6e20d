import type { Attributes, Model, ModelStatic } from 'sequelize'
import { columnsOf } from './columns.ts'
import type { Tx } from './database.ts'
import { databaseOf } from './transaction.ts'

const statements = new WeakMap<ModelStatic<Model>, string>()

const statementOf = (model: ModelStatic<Model>): string => {
  const columns = Object.values(columnsOf(model))
  const key = columnsOf(model)[model.primaryKeyAttribute] ?? ''
  const set = columns.filter((column) => column !== key).map((column) => `${column} = excluded.${column}`)
  const table = String(model.getTableName())
  return `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, index) => `$${index + 1}`).join(', ')})
on conflict (${key}) do update set ${set.join(', ')} where ${table}.version < excluded.version`
}

/**
 * Stores what an event tells of another service's record, unless a newer version of it is known: events can come twice, and
 * after a retry in another order.
 * @param model has the attribute `version`, and one column as its primary key
 * @param row a value for each attribute of the model
 */
export const upsertIfNewer = async <M extends Model>(
  model: ModelStatic<M>,
  row: Attributes<M>,
  tx: Tx,
): Promise<void> => {
  const sql = statements.get(model) ?? statementOf(model)
  statements.set(model, sql)
  const values = Object.keys(columnsOf(model)).map((name) => (row as Record<string, unknown>)[name] ?? null)
  await databaseOf(tx).query(sql, values, { tx, name: `${String(model.getTableName())}_upsert_if_newer` })
}
