import { primaryKey, required } from '@clientele/platform/data/model-attributes'
import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/**
 * A row of `watermarks`: the time up to which something was processed. `admin` and `user` are Keycloak's event logs,
 * `default-passwords-checked` is the last check (all in milliseconds since 1970); `realm-not-before` is in seconds.
 */
class WatermarkModel extends Model<InferAttributes<WatermarkModel>, InferCreationAttributes<WatermarkModel>> {
  declare name: string
  declare at: number
}
export type Watermarks = ModelStatic<WatermarkModel>

const { BIGINT, TEXT } = DataTypes

/** The model on one connection pool. */
export const defineWatermarks = (sequelize: Sequelize): Watermarks => {
  class ConnectedWatermark extends WatermarkModel {}
  return ConnectedWatermark.init(
    {
      name: primaryKey(TEXT),
      at: required(BIGINT),
    },
    { sequelize, modelName: 'watermark', tableName: 'watermarks' },
  )
}
