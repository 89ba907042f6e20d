import type { Model, ModelStatic } from 'sequelize'

/** Returns the columns of a model's table by attribute: `{ surname: 'surname', createdAt: 'created_at' }`. */
export const columnsOf = (model: ModelStatic<Model>): Record<string, string> =>
  Object.fromEntries(Object.entries(model.getAttributes()).map(([name, { field }]) => [name, field ?? name]))

const toRecord = <Row extends object>(model: ModelStatic<Model>, row: Row): Record<string, unknown> =>
  Object.fromEntries(Object.entries(columnsOf(model)).map(([name, column]) => [column, row[name as keyof Row]]))

/** Serializes a row of a model for `json_populate_record(null::<table>, $1::json)`: an object with columns as keys. */
export const toJsonRecord = <Row extends object>(model: ModelStatic<Model>, row: Row): string =>
  JSON.stringify(toRecord(model, row))

/** Serializes rows of a model for `json_populate_recordset(null::<table>, $1::json)`. */
export const toJsonRecords = <Row extends object>(model: ModelStatic<Model>, rows: readonly Row[]): string =>
  JSON.stringify(rows.map((row) => toRecord(model, row)))
