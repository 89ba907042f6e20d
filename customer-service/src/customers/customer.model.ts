import type { Address } from '@clientele/contracts/customer'
import { primaryKey, required } from '@clientele/platform/data/model-attributes'
import { stampAttributes } from '@clientele/platform/data/stamps'
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

/** A row of `customers`. `deletedAt` is set in the trash. The database generates `code` and its number. */
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
  /** The text that `q` searches. */
  declare searchText: string
}
/** A row as it is read, without the search text. */
export type CustomerRow = Omit<InferAttributes<CustomerModel>, 'searchText'>
export type Customers = ModelStatic<CustomerModel>

const { ARRAY, BOOLEAN, DATE, JSONB, TEXT, UUID } = DataTypes

const attributes: ModelAttributes<CustomerModel, InferAttributes<CustomerModel>> = {
  id: primaryKey(UUID),
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
  ...stampAttributes(),
  deletedAt: DATE(3),
  searchText: required(TEXT),
}

/** The attributes of a {@link CustomerRow}. */
export const customerAttributes = Object.keys(attributes).filter((name) => name !== 'searchText')

/** The model on one connection pool. */
export const defineCustomers = (sequelize: Sequelize): Customers => {
  class ConnectedCustomer extends CustomerModel {}
  return ConnectedCustomer.init({ ...attributes }, { sequelize, modelName: 'customer', tableName: 'customers' })
}
