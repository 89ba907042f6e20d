import type { Order, OrderStatus } from '@clientele/contracts/order'
import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelAttributes,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `orders`. `number` comes from the sequence `order_numbers`. */
export class OrderModel extends Model<InferAttributes<OrderModel>, InferCreationAttributes<OrderModel>> {
  declare id: string
  declare number: number
  declare customerId: string | null
  declare status: OrderStatus
  declare total: string
  declare currency: string
  declare note: string | null
  declare metadata: Order['metadata']
  declare placedAt: Date
  declare fulfilledAt: Date | null
  declare cancelledAt: Date | null
  declare createdBy: string
  declare createdByName: string
  declare updatedAt: Date
  declare updatedBy: string
  declare updatedByName: string
  declare version: number
}
export type OrderRow = InferAttributes<OrderModel>
export type Orders = ModelStatic<OrderModel>

const { BIGINT, DATE, DECIMAL, INTEGER, TEXT, UUID } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

const attributes: ModelAttributes<OrderModel, OrderRow> = {
  id: { type: UUID, primaryKey: true },
  number: required(BIGINT),
  customerId: UUID,
  status: required(TEXT),
  total: required(DECIMAL(28, 4)),
  currency: required(TEXT),
  note: TEXT,
  metadata: required(DataTypes.JSON),
  placedAt: required(DATE(3)),
  fulfilledAt: DATE(3),
  cancelledAt: DATE(3),
  createdBy: required(TEXT),
  createdByName: required(TEXT),
  updatedAt: required(DATE(3)),
  updatedBy: required(TEXT),
  updatedByName: required(TEXT),
  version: required(INTEGER),
}

/** The attributes of an {@link OrderRow}; a column is its attribute in snake case. */
export const orderAttributes = Object.keys(attributes) as (keyof OrderRow)[]

/** The model on one connection pool. */
export const defineOrders = (sequelize: Sequelize): Orders => {
  class ConnectedOrder extends OrderModel {}
  return ConnectedOrder.init({ ...attributes }, { sequelize, modelName: 'order', tableName: 'orders' })
}
