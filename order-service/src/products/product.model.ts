import { DataTypes, Model, type ModelAttributes, type Sequelize } from 'sequelize'

export type ProductRow = {
  id: string
  sku: string | null
  name: string
  description: string | null
  /** With four decimals where it comes from the database. */
  price: string
  currency: string
  stock: number
  lowStockAt: number | null
  active: boolean
  photoMediaId: string | null
  createdAt: Date
  createdBy: string
  createdByName: string
  updatedAt: Date
  updatedBy: string
  updatedByName: string
  archivedAt: Date | null
  version: number
}

const { BIGINT, BOOLEAN, DATE, DECIMAL, INTEGER, TEXT, UUID } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

const attributes: ModelAttributes<Model<ProductRow>, ProductRow> = {
  id: { type: UUID, primaryKey: true },
  sku: TEXT,
  name: required(TEXT),
  description: TEXT,
  price: required(DECIMAL(16, 4)),
  currency: required(TEXT),
  stock: required(BIGINT),
  lowStockAt: BIGINT,
  active: required(BOOLEAN),
  photoMediaId: UUID,
  createdAt: required(DATE(3)),
  createdBy: required(TEXT),
  createdByName: required(TEXT),
  updatedAt: required(DATE(3)),
  updatedBy: required(TEXT),
  updatedByName: required(TEXT),
  archivedAt: DATE(3),
  version: required(INTEGER),
}

/** The attributes of a {@link ProductRow}, all but the text that `q` looks into; a column is its attribute in snake case. */
export const productAttributes = Object.keys(attributes)

/** The table `products`. */
export const defineProduct = (sequelize: Sequelize) => {
  class ProductModel extends Model<ProductRow & { searchText: string }> {}
  return ProductModel.init(
    { ...attributes, searchText: required(TEXT) },
    { sequelize, tableName: 'products', timestamps: false, underscored: true },
  )
}
export type ProductModel = ReturnType<typeof defineProduct>
