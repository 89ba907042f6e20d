import type { variantPixels } from '@clientele/contracts/media'
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'
import type { ProducedImage } from '../images/image-worker.ts'

export type VariantName = keyof typeof variantPixels
/** What is stored of one variant. */
export type StoredVariant = ProducedImage

/** A row of `media`, which outlives its objects for a while, so that late references to it can be told that it is gone. */
export class MediaModel extends Model<InferAttributes<MediaModel>, InferCreationAttributes<MediaModel>> {
  declare id: string
  declare mimeType: string
  declare bytes: number
  declare width: number
  declare height: number
  declare sha256: string
  declare variants: CreationOptional<{ [name in VariantName]?: StoredVariant }>
  declare createdAt: Date
  declare createdBy: string
  declare createdByName: string
  declare version: CreationOptional<number>
  /** Gone for everybody; the row is kept for a while. */
  declare deletedAt: CreationOptional<Date | null>
  /** When the objects of a deleted media were removed. */
  declare clearedAt: CreationOptional<Date | null>
}
export type MediaRow = InferAttributes<MediaModel>
export type MediaTable = ModelStatic<MediaModel>

const { DATE, INTEGER, JSONB, TEXT, UUID } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

/** The model on one connection pool. */
export const defineMedia = (sequelize: Sequelize): MediaTable => {
  class ConnectedMedia extends MediaModel {}
  return ConnectedMedia.init(
    {
      id: { type: UUID, primaryKey: true },
      mimeType: required(TEXT),
      bytes: required(INTEGER),
      width: required(INTEGER),
      height: required(INTEGER),
      sha256: required(TEXT),
      variants: { type: JSONB, allowNull: false, defaultValue: {} },
      createdAt: required(DATE(3)),
      createdBy: required(TEXT),
      createdByName: required(TEXT),
      version: { type: INTEGER, allowNull: false, defaultValue: 1 },
      deletedAt: DATE(3),
      clearedAt: DATE(3),
    },
    { sequelize, modelName: 'media', tableName: 'media' },
  )
}
