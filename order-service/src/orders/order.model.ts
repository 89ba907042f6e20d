import type { Order, OrderStatus } from '@clientele/contracts/order'
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
  /** The text that `q` searches; null until the task for it has written it. */
  declare searchText: string | null
}
/** An order without its search text. */
export type OrderRow = Omit<InferAttributes<OrderModel>, 'searchText'>
export type Orders = ModelStatic<OrderModel>

const { BIGINT, DATE, DECIMAL, TEXT, UUID } = DataTypes

// `placedAt` is when an order is created.
const { createdAt: _createdAt, ...stamps } = stampAttributes()

const attributes: ModelAttributes<OrderModel, InferAttributes<OrderModel>> = {
  id: primaryKey(UUID),
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
  ...stamps,
  searchText: TEXT,
}

/** The attributes of an {@link OrderRow}. A column is named as its attribute, in snake case. */
export const orderAttributes = Object.keys(attributes).filter((name) => name !== 'searchText') as (keyof OrderRow)[]

/** Defines the model on a connection pool. */
export const defineOrders = (sequelize: Sequelize): Orders => {
  class ConnectedOrder extends OrderModel {}
  return ConnectedOrder.init({ ...attributes }, { sequelize, modelName: 'order', tableName: 'orders' })
}
