import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `user_names`: how user-service last named a user. A deleted user keeps a name. */
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
      id: { type: DataTypes.TEXT, primaryKey: true },
      displayName: { type: DataTypes.TEXT, allowNull: false },
      version: { type: DataTypes.INTEGER, allowNull: false },
      deleted: { type: DataTypes.BOOLEAN, allowNull: false },
    },
    { sequelize, modelName: 'userName', tableName: 'user_names' },
  )
}
