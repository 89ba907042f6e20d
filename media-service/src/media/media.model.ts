import type { variantPixels } from '@clientele/contracts/media'
import { DataTypes, Model, type Sequelize } from 'sequelize'
import type { ProducedImage } from '../images/image-worker.ts'

export type VariantName = keyof typeof variantPixels
/** What is stored of one variant. */
export type StoredVariant = ProducedImage

export type MediaRow = {
  id: string
  mimeType: string
  bytes: number
  width: number
  height: number
  sha256: string
  variants: { [name in VariantName]?: StoredVariant }
  createdAt: Date
  createdBy: string
  createdByName: string
  version: number
  /** Gone for everybody; the row is kept for a while. */
  deletedAt: Date | null
  /** When the objects of a deleted media were removed. */
  clearedAt: Date | null
}

const { DATE, INTEGER, JSONB, TEXT, UUID } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

/** The table `media`. */
export const defineMedia = (sequelize: Sequelize) => {
  class MediaModel extends Model<MediaRow> {}
  MediaModel.init(
    {
      id: { type: UUID, primaryKey: true },
      mimeType: required(TEXT),
      bytes: required(INTEGER),
      width: required(INTEGER),
      height: required(INTEGER),
      sha256: required(TEXT),
      variants: required(JSONB),
      createdAt: required(DATE(3)),
      createdBy: required(TEXT),
      createdByName: required(TEXT),
      version: required(INTEGER),
      deletedAt: DATE(3),
      clearedAt: DATE(3),
    },
    { sequelize, tableName: 'media', timestamps: false, underscored: true },
  )
  return MediaModel
}
export type MediaModel = ReturnType<typeof defineMedia>
