import { primaryKey, required } from '@clientele/platform/data/model-attributes'
import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelAttributes,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `order_lines`. Price and description are those at the time of the order. */
export class OrderLineModel extends Model<InferAttributes<OrderLineModel>, InferCreationAttributes<OrderLineModel>> {
  declare orderId: string
  /** From 1. */
  declare position: number
  declare id: string
  declare productId: string | null
  declare description: string
  declare quantity: number
  declare unitPrice: string
  declare lineTotal: string
}
/** A line as the order holds it; its position is its index. */
export type OrderLineRow = Omit<InferAttributes<OrderLineModel>, 'orderId' | 'position'>
export type OrderLines = ModelStatic<OrderLineModel>

const { DECIMAL, INTEGER, SMALLINT, TEXT, UUID } = DataTypes

const attributes: ModelAttributes<OrderLineModel, InferAttributes<OrderLineModel>> = {
  orderId: primaryKey(UUID),
  position: primaryKey(SMALLINT),
  id: required(UUID),
  productId: UUID,
  description: required(TEXT),
  quantity: required(INTEGER),
  unitPrice: required(DECIMAL(16, 4)),
  lineTotal: required(DECIMAL(28, 4)),
}

/** The attributes of an {@link OrderLineRow}, and `orderId`. */
export const orderLineAttributes = Object.keys(attributes).filter((name) => name !== 'position')

/** Defines the model on a connection pool. */
export const defineOrderLines = (sequelize: Sequelize): OrderLines => {
  class ConnectedOrderLine extends OrderLineModel {}
  return ConnectedOrderLine.init({ ...attributes }, { sequelize, modelName: 'orderLine', tableName: 'order_lines' })
}
