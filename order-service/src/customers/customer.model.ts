import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `customers`: what is known of one by the events of customer-service. A row stays; `purged` is final. */
export class CustomerModel extends Model<InferAttributes<CustomerModel>, InferCreationAttributes<CustomerModel>> {
  declare id: string
  declare state: 'active' | 'trash' | 'purged'
  declare version: number
}
export type Customers = ModelStatic<CustomerModel>

/** The model on one connection pool. */
export const defineCustomers = (sequelize: Sequelize): Customers => {
  class ConnectedCustomer extends CustomerModel {}
  return ConnectedCustomer.init(
    {
      id: { type: DataTypes.UUID, primaryKey: true },
      state: { type: DataTypes.TEXT, allowNull: false },
      version: { type: DataTypes.INTEGER, allowNull: false },
    },
    { sequelize, modelName: 'customer', tableName: 'customers' },
  )
}
