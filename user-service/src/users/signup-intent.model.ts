import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `signup_intents`: who signs up with this address wants a customer. */
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
      email: { type: TEXT, primaryKey: true },
      createdAt: { type: DATE(3), allowNull: false },
    },
    { sequelize, modelName: 'signupIntent', tableName: 'signup_intents' },
  )
}
