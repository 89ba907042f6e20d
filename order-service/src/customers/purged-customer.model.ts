import { DataTypes, type InferAttributes, Model, type ModelStatic, type Sequelize } from 'sequelize'

/** A row of `customers_to_forget`: a purged customer who is still named by orders. */
class PurgedCustomerModel extends Model<InferAttributes<PurgedCustomerModel>> {
  declare customerId: string
}
export type PurgedCustomers = ModelStatic<PurgedCustomerModel>

/** The model on one connection pool. */
export const definePurgedCustomers = (sequelize: Sequelize): PurgedCustomers => {
  class ConnectedPurgedCustomer extends PurgedCustomerModel {}
  return ConnectedPurgedCustomer.init(
    { customerId: { type: DataTypes.UUID, primaryKey: true } },
    { sequelize, modelName: 'purgedCustomer', tableName: 'customers_to_forget' },
  )
}
