import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `media_usages`: the media that a subject (a customer, a product) shows, by its newest event; null for none. */
export class MediaUsageModel extends Model<InferAttributes<MediaUsageModel>, InferCreationAttributes<MediaUsageModel>> {
  declare subject: string
  declare mediaId: string | null
  declare version: number
}
export type MediaUsages = ModelStatic<MediaUsageModel>

const { INTEGER, TEXT, UUID } = DataTypes

/** The model on one connection pool. */
export const defineMediaUsages = (sequelize: Sequelize): MediaUsages => {
  class ConnectedMediaUsage extends MediaUsageModel {}
  return ConnectedMediaUsage.init(
    {
      subject: { type: TEXT, primaryKey: true },
      mediaId: UUID,
      version: { type: INTEGER, allowNull: false },
    },
    { sequelize, modelName: 'mediaUsage', tableName: 'media_usages' },
  )
}
