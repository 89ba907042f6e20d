import { primaryKey, required } from '@clientele/platform/data/model-attributes'
import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/**
 * A row of `customers`, the projection of customer-service's customers. Rows are never deleted; `purged` is final. A purged customer
 * has neither code nor name, and neither has one that was stored before they were kept, until the reconciliation.
 */
export class CustomerModel extends Model<InferAttributes<CustomerModel>, InferCreationAttributes<CustomerModel>> {
  declare id: string
  declare state: 'active' | 'trash' | 'purged'
  declare version: number
  declare code: string | null
  declare displayName: string | null
}
export type Customers = ModelStatic<CustomerModel>

/** Defines the model on a connection pool. */
export const defineCustomers = (sequelize: Sequelize): Customers => {
  class ConnectedCustomer extends CustomerModel {}
  return ConnectedCustomer.init(
    {
      id: primaryKey(DataTypes.UUID),
      state: required(DataTypes.TEXT),
      version: required(DataTypes.INTEGER),
      code: DataTypes.TEXT,
      displayName: DataTypes.TEXT,
    },
    { sequelize, modelName: 'customer', tableName: 'customers' },
  )
}
