import { columnName } from '@clientele/platform/data/column-name'
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

/** A row of `products`. `deletedAt` is set in the trash. `stock` is the sum of the product's movements. */
export class ProductModel extends Model<InferAttributes<ProductModel>, InferCreationAttributes<ProductModel>> {
  declare id: string
  declare sku: string | null
  declare name: string
  declare description: string | null
  /** The database returns four decimals: `2.2000`. */
  declare price: string
  declare currency: string
  declare stock: number
  declare lowStockAt: number | null
  declare active: boolean
  declare photoMediaId: string | null
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
/** A product without its search text. */
export type ProductRow = Omit<InferAttributes<ProductModel>, 'searchText'>
export type Products = ModelStatic<ProductModel>

const { BIGINT, BOOLEAN, DATE, DECIMAL, TEXT, UUID } = DataTypes

// The column and the event `product.archived.v1` have kept an older name.
const deletedAtColumn = 'archived_at'

// An export has its columns in the order of the attributes: `version` follows `deletedAt`.
const { version, ...stamps } = stampAttributes()

const attributes: ModelAttributes<ProductModel, InferAttributes<ProductModel>> = {
  id: primaryKey(UUID),
  sku: TEXT,
  name: required(TEXT),
  description: TEXT,
  price: required(DECIMAL(16, 4)),
  currency: required(TEXT),
  stock: required(BIGINT),
  lowStockAt: BIGINT,
  active: required(BOOLEAN),
  photoMediaId: UUID,
  ...stamps,
  deletedAt: { type: DATE(3), field: deletedAtColumn },
  version,
  searchText: required(TEXT),
}

/** The attributes of a {@link ProductRow}. */
export const productAttributes = Object.keys(attributes).filter((name) => name !== 'searchText') as (keyof ProductRow)[]

/** The column of each attribute of a {@link ProductRow}. */
export const productColumns = Object.fromEntries(
  productAttributes.map((name) => [name, name === 'deletedAt' ? deletedAtColumn : columnName(name)]),
) as Record<keyof ProductRow, string>

/** Defines the model on a connection pool. */
export const defineProducts = (sequelize: Sequelize): Products => {
  class ConnectedProduct extends ProductModel {}
  return ConnectedProduct.init({ ...attributes }, { sequelize, modelName: 'product', tableName: 'products' })
}
