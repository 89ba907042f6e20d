import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelAttributes,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `order_lines`; price and description are those of the moment of the order. */
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
/** A line in its place among those of its order. */
export type OrderLineRow = Omit<InferAttributes<OrderLineModel>, 'orderId' | 'position'>
export type OrderLines = ModelStatic<OrderLineModel>

const { DECIMAL, INTEGER, SMALLINT, TEXT, UUID } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

const attributes: ModelAttributes<OrderLineModel, InferAttributes<OrderLineModel>> = {
  orderId: { type: UUID, primaryKey: true },
  position: { type: SMALLINT, primaryKey: true },
  id: required(UUID),
  productId: UUID,
  description: required(TEXT),
  quantity: required(INTEGER),
  unitPrice: required(DECIMAL(16, 4)),
  lineTotal: required(DECIMAL(28, 4)),
}

/** The attributes of an {@link OrderLineRow}, and the order that it belongs to. */
export const orderLineAttributes = Object.keys(attributes).filter((name) => name !== 'position')

/** The model on one connection pool. */
export const defineOrderLines = (sequelize: Sequelize): OrderLines => {
  class ConnectedOrderLine extends OrderLineModel {}
  return ConnectedOrderLine.init({ ...attributes }, { sequelize, modelName: 'orderLine', tableName: 'order_lines' })
}
