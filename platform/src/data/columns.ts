import type { Model, ModelStatic } from 'sequelize'

/** Returns the columns of a model's table by attribute: `{ surname: 'surname', createdAt: 'created_at' }`. */
export const columnsOf = (model: ModelStatic<Model>): Record<string, string> =>
  Object.fromEntries(Object.entries(model.getAttributes()).map(([name, { field }]) => [name, field ?? name]))

/** Serializes rows of a model for `json_populate_recordset(null::<table>, $1::json)`: one object per row, with columns as keys. */
export const toJsonRecords = <Row extends object>(model: ModelStatic<Model>, rows: readonly Row[]): string => {
  const columns = Object.entries(columnsOf(model)) as [keyof Row, string][]
  return JSON.stringify(rows.map((row) => Object.fromEntries(columns.map(([name, column]) => [column, row[name]]))))
}
