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

/** The list's columns too: attribute names by which rows come out of it. */
export const userColumns = {
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
}

export type Users = ModelStatic<UserModel>

/** The model on one connection pool. */
export const defineUsers = (sequelize: Sequelize): Users => {
  class ConnectedUser extends UserModel {}
  ConnectedUser.init(structuredColumns(), {
    sequelize,
    modelName: 'user',
    tableName: 'users',
    timestamps: false,
    underscored: true,
  })
  return ConnectedUser
}

// Sequelize writes into the definitions that it is given.
const structuredColumns = (): typeof userColumns =>
  Object.fromEntries(Object.entries(userColumns).map(([name, column]) => [name, { ...column }])) as typeof userColumns
