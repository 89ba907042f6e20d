import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'
import { primaryKey, required } from './model-attributes.ts'

/** A row of `user_names`: the display name of a user, as user-service last published it. */
export class UserNameModel extends Model<InferAttributes<UserNameModel>, InferCreationAttributes<UserNameModel>> {
  declare id: string
  declare displayName: string
  declare version: number
  declare deleted: boolean
}

/** The model on one connection pool. */
export const defineUserNames = (sequelize: Sequelize): ModelStatic<UserNameModel> => {
  class ConnectedUserName extends UserNameModel {}
  return ConnectedUserName.init(
    {
      id: primaryKey(DataTypes.TEXT),
      displayName: required(DataTypes.TEXT),
      version: required(DataTypes.INTEGER),
      deleted: required(DataTypes.BOOLEAN),
    },
    { sequelize, modelName: 'userName', tableName: 'user_names' },
  )
}
