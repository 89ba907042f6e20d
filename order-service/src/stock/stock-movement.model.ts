import type { StockMovement } from '@clientele/contracts/product'
import { primaryKey, required } from '@clientele/platform/data/model-attributes'
import { DataTypes, type InferAttributes, type InferCreationAttributes, Model, type ModelAttributes } from 'sequelize'

/** A row of `stock_movements`. Only its type and attributes are used: `stock.statements.ts` and the list access the table by SQL. */
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
  /** The product's version after the movement. A product's movements are sorted by it. */
  declare productVersion: number
  declare createdAt: Date
  declare createdBy: string
  declare createdByName: string
}
/** A movement as the list selects it. */
export type MovementRow = Omit<InferAttributes<StockMovementModel>, 'productVersion'>

const { BIGINT, DATE, INTEGER, TEXT, UUID } = DataTypes

const attributes: ModelAttributes<StockMovementModel, InferAttributes<StockMovementModel>> = {
  id: primaryKey(UUID),
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
