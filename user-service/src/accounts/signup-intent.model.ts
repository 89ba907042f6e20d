import { primaryKey, required } from '@clientele/platform/data/model-attributes'
import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `signup_intents`: the user who signs up with this address asked for a customer. */
class SignupIntentModel extends Model<InferAttributes<SignupIntentModel>, InferCreationAttributes<SignupIntentModel>> {
  declare email: string
  declare createdAt: Date
}
export type SignupIntents = ModelStatic<SignupIntentModel>

const { DATE, TEXT } = DataTypes

/** The model on one connection pool. */
export const defineSignupIntents = (sequelize: Sequelize): SignupIntents => {
  class ConnectedSignupIntent extends SignupIntentModel {}
  return ConnectedSignupIntent.init(
    {
      email: primaryKey(TEXT),
      createdAt: required(DATE(3)),
    },
    { sequelize, modelName: 'signupIntent', tableName: 'signup_intents' },
  )
}
