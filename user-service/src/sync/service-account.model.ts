import { primaryKey, required } from '@clientele/platform/data/model-attributes'
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `service_accounts`: the user of a client. It is kept, because Keycloak deletes the user with the client. */
class ServiceAccountModel extends Model<
  InferAttributes<ServiceAccountModel>,
  InferCreationAttributes<ServiceAccountModel>
> {
  declare userId: string
  /** `service-account-<client id>`, in small letters. */
  declare username: string
  /** Keycloak's own id of the client; null until an event has shown it. */
  declare clientKey: CreationOptional<string | null>
}

const { TEXT } = DataTypes

/** The model on one connection pool. */
export const defineServiceAccounts = (sequelize: Sequelize): ModelStatic<ServiceAccountModel> => {
  class ConnectedServiceAccount extends ServiceAccountModel {}
  return ConnectedServiceAccount.init(
    {
      userId: primaryKey(TEXT),
      username: required(TEXT),
      clientKey: TEXT,
    },
    { sequelize, modelName: 'serviceAccount', tableName: 'service_accounts' },
  )
}
