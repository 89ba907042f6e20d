import type { Address } from '@clientele/contracts/customer'
import { DataTypes, Model, type ModelAttributes, type Sequelize } from 'sequelize'
import type { z } from 'zod'

export type CustomerRow = {
  id: string
  code: string
  externalId: string | null
  name: string | null
  surname: string | null
  email: string | null
  phone: string | null
  photoMediaId: string | null
  tags: string[]
  userId: string | null
  address: z.infer<typeof Address> | null
  locale: string | null
  smsOptOut: boolean
  metadata: Record<string, string | number | boolean>
  createdAt: Date
  createdBy: string
  createdByName: string
  updatedAt: Date
  updatedBy: string
  updatedByName: string
  deletedAt: Date | null
  version: number
}

const { ARRAY, BOOLEAN, DATE, INTEGER, JSONB, TEXT, UUID } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

const attributes: ModelAttributes<Model<CustomerRow>, CustomerRow> = {
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
}

/** The attributes of a {@link CustomerRow}, all but the text that `q` looks into; a column is its attribute in snake case. */
export const customerAttributes = Object.keys(attributes)

/** The table `customers`. */
export const defineCustomer = (sequelize: Sequelize) => {
  class CustomerModel extends Model<CustomerRow> {}
  return CustomerModel.init(
    { ...attributes },
    { sequelize, tableName: 'customers', timestamps: false, underscored: true },
  )
}
export type CustomerModel = ReturnType<typeof defineCustomer>
