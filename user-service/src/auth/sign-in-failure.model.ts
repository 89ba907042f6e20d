import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `sign_in_failures`: failed sign-ins by name (a keyed hash), whether such a user exists or not. */
class SignInFailureModel extends Model<
  InferAttributes<SignInFailureModel>,
  InferCreationAttributes<SignInFailureModel>
> {
  declare nameHash: string
  declare failures: number
  declare lastAt: Date
  declare lockedUntil: Date | null
}
export type SignInFailures = ModelStatic<SignInFailureModel>

const { DATE, INTEGER, TEXT } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

/** The model on one connection pool. */
export const defineSignInFailures = (sequelize: Sequelize): SignInFailures => {
  class ConnectedSignInFailure extends SignInFailureModel {}
  return ConnectedSignInFailure.init(
    {
      nameHash: { type: TEXT, primaryKey: true },
      failures: required(INTEGER),
      lastAt: required(DATE(3)),
      lockedUntil: DATE(3),
    },
    { sequelize, modelName: 'signInFailure', tableName: 'sign_in_failures' },
  )
}
