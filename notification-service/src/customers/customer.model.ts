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
 * A row of `customers`, the projection of customer-service's customers. A purged customer has no personal data. `code` is null also
 * if the customer was last read by an earlier release, which did not store it.
 */
class CustomerModel extends Model<InferAttributes<CustomerModel>, InferCreationAttributes<CustomerModel>> {
  declare id: string
  declare code: string | null
  declare name: string | null
  declare surname: string | null
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
      code: TEXT,
      name: TEXT,
      surname: TEXT,
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
