import { primaryKey, required } from '@clientele/platform/data/model-attributes'
import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `sign_ins`: the user of a session. Keycloak's event of a removed session names only the session. */
class SignInModel extends Model<InferAttributes<SignInModel>, InferCreationAttributes<SignInModel>> {
  declare sessionId: string
  declare userId: string
  declare at: Date
}
export type SignIns = ModelStatic<SignInModel>

const { DATE, TEXT } = DataTypes

/** The model on one connection pool. */
export const defineSignIns = (sequelize: Sequelize): SignIns => {
  class ConnectedSignIn extends SignInModel {}
  return ConnectedSignIn.init(
    {
      sessionId: primaryKey(TEXT),
      userId: required(TEXT),
      at: required(DATE(3)),
    },
    { sequelize, modelName: 'signIn', tableName: 'sign_ins' },
  )
}
