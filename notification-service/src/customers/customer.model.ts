import { primaryKey, required } from '@clientele/platform/data/model-attributes'
import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `customers`, the projection of customer-service's customers. A purged customer has no personal data. */
class CustomerModel extends Model<InferAttributes<CustomerModel>, InferCreationAttributes<CustomerModel>> {
  declare id: string
  declare name: string | null
  declare phone: string | null
  declare email: string | null
  declare locale: string | null
  declare smsOptOut: boolean
  declare deleted: boolean
  declare purged: boolean
  declare version: number
}
export type CustomerRow = InferAttributes<CustomerModel>
export type Customers = ModelStatic<CustomerModel>

const { BOOLEAN, INTEGER, TEXT, UUID } = DataTypes

/** Defines the model on a connection pool. */
export const defineCustomers = (sequelize: Sequelize): Customers => {
  class ConnectedCustomer extends CustomerModel {}
  return ConnectedCustomer.init(
    {
      id: primaryKey(UUID),
      name: TEXT,
      phone: TEXT,
      email: TEXT,
      locale: TEXT,
      smsOptOut: required(BOOLEAN),
      deleted: required(BOOLEAN),
      purged: required(BOOLEAN),
      version: required(INTEGER),
    },
    { sequelize, modelName: 'customer', tableName: 'customers' },
  )
}
