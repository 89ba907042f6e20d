import { primaryKey, required } from '@clientele/platform/data/model-attributes'
import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `token_refreshes`: the encrypted response to a refresh, kept for some seconds. */
class TokenRefreshModel extends Model<InferAttributes<TokenRefreshModel>, InferCreationAttributes<TokenRefreshModel>> {
  declare tokenHash: string
  /** Null while Keycloak is asked. */
  declare tokens: string | null
  declare expiresAt: Date
}
export type TokenRefreshes = ModelStatic<TokenRefreshModel>

const { DATE, TEXT } = DataTypes

/** The model on one connection pool. */
export const defineTokenRefreshes = (sequelize: Sequelize): TokenRefreshes => {
  class ConnectedTokenRefresh extends TokenRefreshModel {}
  return ConnectedTokenRefresh.init(
    {
      tokenHash: primaryKey(TEXT),
      tokens: TEXT,
      expiresAt: required(DATE(3)),
    },
    { sequelize, modelName: 'tokenRefresh', tableName: 'token_refreshes' },
  )
}
