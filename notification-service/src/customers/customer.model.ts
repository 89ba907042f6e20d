import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `customers`: whom messages go to, as customer-service last described them. A purged one keeps only its id. */
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
const required = <T>(type: T) => ({ type, allowNull: false })

/** The model on one connection pool. */
export const defineCustomers = (sequelize: Sequelize): Customers => {
  class ConnectedCustomer extends CustomerModel {}
  return ConnectedCustomer.init(
    {
      id: { type: UUID, primaryKey: true },
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
