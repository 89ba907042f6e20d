import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `sign_ins`: whose a session is, learnt from sign-ins; the removal of a single session names nobody. */
class SignInModel extends Model<InferAttributes<SignInModel>, InferCreationAttributes<SignInModel>> {
  declare sessionId: string
  declare userId: string
  declare at: Date
}
export type SignIns = ModelStatic<SignInModel>

const { DATE, TEXT } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

/** The model on one connection pool. */
export const defineSignIns = (sequelize: Sequelize): SignIns => {
  class ConnectedSignIn extends SignInModel {}
  return ConnectedSignIn.init(
    {
      sessionId: { type: TEXT, primaryKey: true },
      userId: required(TEXT),
      at: required(DATE(3)),
    },
    { sequelize, modelName: 'signIn', tableName: 'sign_ins' },
  )
}
