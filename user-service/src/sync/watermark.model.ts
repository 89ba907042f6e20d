import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `watermarks`: up to where a source was read, or when something recurring was last done (milliseconds since 1970). */
class WatermarkModel extends Model<InferAttributes<WatermarkModel>, InferCreationAttributes<WatermarkModel>> {
  declare name: string
  declare at: number
}
export type Watermarks = ModelStatic<WatermarkModel>

const { BIGINT, TEXT } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

/** The model on one connection pool. */
export const defineWatermarks = (sequelize: Sequelize): Watermarks => {
  class ConnectedWatermark extends WatermarkModel {}
  return ConnectedWatermark.init(
    {
      name: { type: TEXT, primaryKey: true },
      at: required(BIGINT),
    },
    { sequelize, modelName: 'watermark', tableName: 'watermarks' },
  )
}
