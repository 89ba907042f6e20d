import { primaryKey, required } from '@clientele/platform/data/model-attributes'
import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `media_usages`: the image that a subject (a customer or product) shows by its newest event, null for none. */
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
      subject: primaryKey(TEXT),
      mediaId: UUID,
      version: required(INTEGER),
    },
    { sequelize, modelName: 'mediaUsage', tableName: 'media_usages' },
  )
}
