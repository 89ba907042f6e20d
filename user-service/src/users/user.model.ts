import type { Role } from '@clientele/contracts/user'
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of the projection; `deletedAt` marks a tombstone, of which only id and display name are left. */
export class UserModel extends Model<InferAttributes<UserModel>, InferCreationAttributes<UserModel>> {
  declare id: string
  declare username: string | null
  declare email: string | null
  declare emailVerified: boolean
  declare name: string | null
  declare surname: string | null
  declare displayName: string
  declare roles: Role[]
  declare enabled: boolean
  declare createdAt: Date
  declare lastLoginAt: CreationOptional<Date | null>
  declare deletedAt: CreationOptional<Date | null>
  declare version: number
  declare searchText: string
  declare notBefore: CreationOptional<number>
  declare signedOutAt: CreationOptional<Date | null>
  declare rolesCheckedAt: CreationOptional<Date | null>
}

// Made anew for each pool: Sequelize writes into the definitions that it is given.
const attributes = () => ({
  id: { type: DataTypes.TEXT, primaryKey: true },
  username: { type: DataTypes.TEXT },
  email: { type: DataTypes.TEXT },
  emailVerified: { type: DataTypes.BOOLEAN, allowNull: false },
  name: { type: DataTypes.TEXT },
  surname: { type: DataTypes.TEXT },
  displayName: { type: DataTypes.TEXT, allowNull: false },
  roles: { type: DataTypes.ARRAY(DataTypes.TEXT), allowNull: false },
  enabled: { type: DataTypes.BOOLEAN, allowNull: false },
  createdAt: { type: DataTypes.DATE(3), allowNull: false },
  lastLoginAt: { type: DataTypes.DATE(3) },
  deletedAt: { type: DataTypes.DATE(3) },
  version: { type: DataTypes.INTEGER, allowNull: false },
  searchText: { type: DataTypes.TEXT, allowNull: false },
  notBefore: { type: DataTypes.BIGINT, allowNull: false, defaultValue: 0 },
  signedOutAt: { type: DataTypes.DATE(3) },
  rolesCheckedAt: { type: DataTypes.DATE(3) },
})

/** The attributes as a list returns them. */
export const userAttributes = Object.keys(attributes())

export type Users = ModelStatic<UserModel>

/** The model on one connection pool. */
export const defineUsers = (sequelize: Sequelize): Users => {
  class ConnectedUser extends UserModel {}
  return ConnectedUser.init(attributes(), { sequelize, modelName: 'user', tableName: 'users' })
}
