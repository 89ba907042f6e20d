import type { Attributes, Model, ModelStatic } from 'sequelize'
import { columnsOf } from './columns.ts'
import type { Tx } from './database.ts'
import { databaseOf } from './transaction.ts'

/** A row whose `attribute` has this value is never replaced, and replaces any other whatever its version. */
type Final<M extends Model> = { attribute: keyof Attributes<M> & string; value: string }

const statements = new WeakMap<ModelStatic<Model>, string>()

const statementOf = (model: ModelStatic<Model>, finalAttribute: string | undefined): string => {
  const columns = columnsOf(model)
  const names = Object.values(columns)
  const key = columns[model.primaryKeyAttribute] ?? ''
  const set = names.filter((name) => name !== key).map((name) => `${name} = excluded.${name}`)
  const table = String(model.getTableName())
  const isNewer = `${table}.version < excluded.version`
  const final = finalAttribute === undefined ? undefined : columns[finalAttribute]
  const value = `$${names.length + 1}`
  const condition =
    final === undefined
      ? isNewer
      : `${table}.${final} is distinct from ${value} and (${isNewer} or excluded.${final} = ${value})`
  return `insert into ${table} (${names.join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')})
on conflict (${key}) do update set ${set.join(', ')} where ${condition}`
}

/**
 * Stores what an event tells of another service's record, unless a newer version of it is known: events can come twice, and
 * after a retry in another order.
 * @param model has the attribute `version`, and one column as its primary key
 * @param row a value for each attribute of the model
 * @param final the same in every call for a model
 */
export const upsertIfNewer = async <M extends Model>(
  model: ModelStatic<M>,
  row: Attributes<M>,
  tx: Tx,
  final?: Final<M>,
): Promise<void> => {
  const sql = statements.get(model) ?? statementOf(model, final?.attribute)
  statements.set(model, sql)
  const values = Object.keys(columnsOf(model)).map((name) => (row as Record<string, unknown>)[name] ?? null)
  if (final) values.push(final.value)
  await databaseOf(tx).query(sql, values, { tx, name: `${String(model.getTableName())}_upsert_if_newer` })
}
