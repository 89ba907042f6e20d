import { databaseClock } from '@clientele/platform/data/database-time'
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

/** A row of `account_creations`: an account that is being created in Keycloak, or whose creation was interrupted. */
export class AccountCreationModel extends Model<
  InferAttributes<AccountCreationModel>,
  InferCreationAttributes<AccountCreationModel>
> {
  declare id: string
  declare username: string
  declare email: string
  declare createdAt: CreationOptional<Date>
}
export type AccountCreations = ModelStatic<AccountCreationModel>

const { DATE, TEXT, UUID } = DataTypes

/** The model on one connection pool. */
export const defineAccountCreations = (sequelize: Sequelize): AccountCreations => {
  class ConnectedAccountCreation extends AccountCreationModel {}
  return ConnectedAccountCreation.init(
    {
      id: primaryKey(UUID),
      username: required(TEXT),
      email: required(TEXT),
      createdAt: withDefault(DATE(3), databaseClock()),
    },
    { sequelize, modelName: 'accountCreation', tableName: 'account_creations' },
  )
}
