import { primaryKey, required } from '@clientele/platform/data/model-attributes'
import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `sign_in_counts`: the failed sign-ins with a name from one source. Both are kept as keyed hashes. */
class SignInCountModel extends Model<InferAttributes<SignInCountModel>, InferCreationAttributes<SignInCountModel>> {
  declare nameHash: string
  /** A network or a known device; empty for all attempts from unknown devices together. */
  declare sourceHash: string
  declare failures: number
  declare lastAt: Date
  declare lockedUntil: Date | null
}
export type SignInCounts = ModelStatic<SignInCountModel>

const { DATE, INTEGER, TEXT } = DataTypes

/** The model on one connection pool. */
export const defineSignInCounts = (sequelize: Sequelize): SignInCounts => {
  class ConnectedSignInCount extends SignInCountModel {}
  return ConnectedSignInCount.init(
    {
      nameHash: primaryKey(TEXT),
      sourceHash: primaryKey(TEXT),
      failures: required(INTEGER),
      lastAt: required(DATE(3)),
      lockedUntil: DATE(3),
    },
    { sequelize, modelName: 'signInCount', tableName: 'sign_in_counts' },
  )
}
