import type { Model, ModelStatic } from 'sequelize'
import { columnsOf } from './columns.ts'

/** Returns all columns of a model for `select` or `returning`, named by attribute: `users.display_name as "displayName", …`. */
export const selectList = (model: ModelStatic<Model>): string =>
  Object.entries(columnsOf(model))
    .map(([name, column]) => `${String(model.getTableName())}.${column} as "${name}"`)
    .join(', ')
