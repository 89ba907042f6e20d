import type { Address } from '@clientele/contracts/customer'
import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelAttributes,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'
import type { z } from 'zod'

/** A row of `customers`; `deletedAt` is set in the trash. The database makes `code` and its number. */
export class CustomerModel extends Model<InferAttributes<CustomerModel>, InferCreationAttributes<CustomerModel>> {
  declare id: string
  declare code: string
  declare externalId: string | null
  declare name: string | null
  declare surname: string | null
  declare email: string | null
  declare phone: string | null
  declare photoMediaId: string | null
  declare tags: string[]
  declare userId: string | null
  declare address: z.infer<typeof Address> | null
  declare locale: string | null
  declare smsOptOut: boolean
  declare metadata: Record<string, string | number | boolean>
  declare createdAt: Date
  declare createdBy: string
  declare createdByName: string
  declare updatedAt: Date
  declare updatedBy: string
  declare updatedByName: string
  declare deletedAt: Date | null
  declare version: number
  /** What `q` looks into. */
  declare searchText: string
}
/** A customer as it is read: without the text for searching. */
export type CustomerRow = Omit<InferAttributes<CustomerModel>, 'searchText'>
export type Customers = ModelStatic<CustomerModel>

const { ARRAY, BOOLEAN, DATE, INTEGER, JSONB, TEXT, UUID } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

const attributes: ModelAttributes<CustomerModel, InferAttributes<CustomerModel>> = {
  id: { type: UUID, primaryKey: true },
  code: required(TEXT),
  externalId: TEXT,
  name: TEXT,
  surname: TEXT,
  email: TEXT,
  phone: TEXT,
  photoMediaId: UUID,
  tags: required(ARRAY(TEXT)),
  userId: TEXT,
  address: JSONB,
  locale: TEXT,
  smsOptOut: required(BOOLEAN),
  metadata: required(JSONB),
  createdAt: required(DATE(3)),
  createdBy: required(TEXT),
  createdByName: required(TEXT),
  updatedAt: required(DATE(3)),
  updatedBy: required(TEXT),
  updatedByName: required(TEXT),
  deletedAt: DATE(3),
  version: required(INTEGER),
  searchText: required(TEXT),
}

/** The attributes of a {@link CustomerRow}; a column is its attribute in snake case. */
export const customerAttributes = Object.keys(attributes).filter((name) => name !== 'searchText')

/** The model on one connection pool. */
export const defineCustomers = (sequelize: Sequelize): Customers => {
  class ConnectedCustomer extends CustomerModel {}
  return ConnectedCustomer.init({ ...attributes }, { sequelize, modelName: 'customer', tableName: 'customers' })
}
