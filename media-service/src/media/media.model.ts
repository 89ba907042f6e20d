import type { MediaNote, variantPixels } from '@clientele/contracts/media'
import { primaryKey, required, withDefault } from '@clientele/platform/data/model-attributes'
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
/** What a row stores about a variant. */
export type StoredVariant = Omit<ProducedImage, 'notes'>

/**
 * A row of `media`. It is kept for a while after the image was deleted, so that a late reference to it gets another
 * `media.deleted.v1` with a higher version.
 */
export class MediaModel extends Model<InferAttributes<MediaModel>, InferCreationAttributes<MediaModel>> {
  declare id: string
  declare mimeType: string
  declare bytes: number
  declare width: number
  declare height: number
  declare sha256: string
  declare notes: CreationOptional<MediaNote[]>
  declare variants: CreationOptional<{ [name in VariantName]?: StoredVariant }>
  declare createdAt: Date
  declare createdBy: string
  declare createdByName: string
  declare version: CreationOptional<number>
  /** When the image was deleted. For the API it does not exist any more. */
  declare deletedAt: CreationOptional<Date | null>
  /** When the objects of a deleted image were removed from the store. */
  declare clearedAt: CreationOptional<Date | null>
}
export type MediaRow = InferAttributes<MediaModel>
export type MediaTable = ModelStatic<MediaModel>

const { DATE, INTEGER, JSONB, TEXT, UUID } = DataTypes

/** The model on one connection pool. */
export const defineMedia = (sequelize: Sequelize): MediaTable => {
  class ConnectedMedia extends MediaModel {}
  return ConnectedMedia.init(
    {
      id: primaryKey(UUID),
      mimeType: required(TEXT),
      bytes: required(INTEGER),
      width: required(INTEGER),
      height: required(INTEGER),
      sha256: required(TEXT),
      notes: withDefault(JSONB, []),
      variants: withDefault(JSONB, {}),
      createdAt: required(DATE(3)),
      createdBy: required(TEXT),
      createdByName: required(TEXT),
      version: withDefault(INTEGER, 1),
      deletedAt: DATE(3),
      clearedAt: DATE(3),
    },
    { sequelize, modelName: 'media', tableName: 'media' },
  )
}
