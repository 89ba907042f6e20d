import { primaryKey } from '@clientele/platform/data/model-attributes'
import { DataTypes, type InferAttributes, Model, type ModelStatic, type Sequelize } from 'sequelize'

/** A row of `customers_to_forget`: a purged customer whose orders are still to be anonymised. */
class PurgedCustomerModel extends Model<InferAttributes<PurgedCustomerModel>> {
  declare customerId: string
}
export type PurgedCustomers = ModelStatic<PurgedCustomerModel>

/** Defines the model on a connection pool. */
export const definePurgedCustomers = (sequelize: Sequelize): PurgedCustomers => {
  class ConnectedPurgedCustomer extends PurgedCustomerModel {}
  return ConnectedPurgedCustomer.init(
    { customerId: primaryKey(DataTypes.UUID) },
    { sequelize, modelName: 'purgedCustomer', tableName: 'customers_to_forget' },
  )
}
