import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelAttributes,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `products`; `archivedAt` is set in the trash. `stock` is the sum of the product's movements. */
export class ProductModel extends Model<InferAttributes<ProductModel>, InferCreationAttributes<ProductModel>> {
  declare id: string
  declare sku: string | null
  declare name: string
  declare description: string | null
  /** With four decimals if it comes from the database. */
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
  declare archivedAt: Date | null
  declare version: number
  /** What `q` looks into. */
  declare searchText: string
}
/** A product as it is read: without the text for searching. */
export type ProductRow = Omit<InferAttributes<ProductModel>, 'searchText'>
export type Products = ModelStatic<ProductModel>

const { BIGINT, BOOLEAN, DATE, DECIMAL, INTEGER, TEXT, UUID } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

const attributes: ModelAttributes<ProductModel, InferAttributes<ProductModel>> = {
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
  searchText: required(TEXT),
}

/** The attributes of a {@link ProductRow}; a column is its attribute in snake case. */
export const productAttributes = Object.keys(attributes).filter((name) => name !== 'searchText')

/** The model on one connection pool. */
export const defineProducts = (sequelize: Sequelize): Products => {
  class ConnectedProduct extends ProductModel {}
  return ConnectedProduct.init({ ...attributes }, { sequelize, modelName: 'product', tableName: 'products' })
}
