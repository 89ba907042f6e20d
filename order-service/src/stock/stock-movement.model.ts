import type { StockMovement } from '@clientele/contracts/product'
import { DataTypes, type InferAttributes, type InferCreationAttributes, Model, type ModelAttributes } from 'sequelize'

/** A row of `stock_movements`. It is never connected: `stock.statements.ts` writes rows and the list reads them, by SQL. */
export class StockMovementModel extends Model<
  InferAttributes<StockMovementModel>,
  InferCreationAttributes<StockMovementModel>
> {
  declare id: string
  declare productId: string
  declare delta: number
  declare stockAfter: number
  declare kind: StockMovement['kind']
  declare reason: string
  declare orderId: string | null
  /** The product's version after it; the order of a product's movements. */
  declare productVersion: number
  declare createdAt: Date
  declare createdBy: string
  declare createdByName: string
}
/** A movement as the list reads it. */
export type MovementRow = Omit<InferAttributes<StockMovementModel>, 'productVersion'>

const { BIGINT, DATE, INTEGER, TEXT, UUID } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

const attributes: ModelAttributes<StockMovementModel, InferAttributes<StockMovementModel>> = {
  id: { type: UUID, primaryKey: true },
  productId: required(UUID),
  delta: required(BIGINT),
  stockAfter: required(BIGINT),
  kind: required(TEXT),
  reason: required(TEXT),
  orderId: UUID,
  productVersion: required(INTEGER),
  createdAt: required(DATE(3)),
  createdBy: required(TEXT),
  createdByName: required(TEXT),
}

/** The attributes of a {@link MovementRow}. */
export const movementAttributes = Object.keys(attributes).filter((name) => name !== 'productVersion')
