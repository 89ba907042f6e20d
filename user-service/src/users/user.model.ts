import type { Role } from '@clientele/contracts/user'
import { primaryKey, required, withDefault } from '@clientele/platform/data/model-attributes'
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'
import type { WithheldAccess } from '../keycloak/withheld-access.ts'

/** A row of `users`, the projection of Keycloak's users. With `deletedAt` it is a tombstone: only id and display name are left. */
export class UserModel extends Model<InferAttributes<UserModel>, InferCreationAttributes<UserModel>> {
  declare id: string
  declare username: string | null
  declare email: string | null
  declare emailVerified: boolean
  /** Whether the address was changed since the account is known. */
  declare emailChanged: CreationOptional<boolean>
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
  declare hasFormerAddress: CreationOptional<boolean>
  declare signUpRoleDecided: CreationOptional<boolean>
  /** What was taken from a user whom Keycloak refuses to disable; null for all others. */
  declare withheld: CreationOptional<WithheldAccess | null>
}

const { ARRAY, BIGINT, BOOLEAN, DATE, INTEGER, JSONB, TEXT } = DataTypes

// A function, because Sequelize changes the definitions that it gets.
const attributes = () => ({
  id: primaryKey(TEXT),
  username: TEXT,
  email: TEXT,
  emailVerified: required(BOOLEAN),
  emailChanged: withDefault(BOOLEAN, false),
  name: TEXT,
  surname: TEXT,
  displayName: required(TEXT),
  roles: required(ARRAY(TEXT)),
  enabled: required(BOOLEAN),
  createdAt: required(DATE(3)),
  lastLoginAt: DATE(3),
  deletedAt: DATE(3),
  version: required(INTEGER),
  searchText: required(TEXT),
  notBefore: withDefault(BIGINT, 0),
  signedOutAt: DATE(3),
  rolesCheckedAt: DATE(3),
  hasFormerAddress: withDefault(BOOLEAN, false),
  signUpRoleDecided: withDefault(BOOLEAN, false),
  withheld: JSONB,
})

/** The names of the attributes. */
export const userAttributes = Object.keys(attributes())

export type Users = ModelStatic<UserModel>

/** The model on one connection pool. */
export const defineUsers = (sequelize: Sequelize): Users => {
  class ConnectedUser extends UserModel {}
  return ConnectedUser.init(attributes(), { sequelize, modelName: 'user', tableName: 'users' })
}
