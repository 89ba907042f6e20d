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

/**
 * A row of `revocations`: tokens of the user that were issued at or before `notBefore` are refused, but those of `keptSessions`
 * if `keptFor` is the same time.
 */
class RevocationModel extends Model<InferAttributes<RevocationModel>, InferCreationAttributes<RevocationModel>> {
  declare userId: string
  declare notBefore: Date
  declare keptSessions: CreationOptional<string[]>
  declare keptFor: CreationOptional<Date | null>
  declare changedAt: CreationOptional<Date>
}
export type RevocationTable = ModelStatic<RevocationModel>

/** A row of `partial_revocations`: all tokens of a session, or a user's tokens with a role, are refused. */
class PartialRevocationModel extends Model<
  InferAttributes<PartialRevocationModel>,
  InferCreationAttributes<PartialRevocationModel>
> {
  declare key: string
  declare userId: string | null
  declare sessionId: string | null
  declare role: string | null
  declare notBefore: Date
  declare changedAt: CreationOptional<Date>
}
export type PartialRevocationTable = ModelStatic<PartialRevocationModel>

const { ARRAY, DATE, TEXT } = DataTypes
const changedAt = () => withDefault(DATE(3), databaseClock())

/** The models on one connection pool. */
export const defineRevocations = (sequelize: Sequelize): RevocationTable => {
  class ConnectedRevocation extends RevocationModel {}
  return ConnectedRevocation.init(
    {
      userId: primaryKey(TEXT),
      notBefore: required(DATE(3)),
      keptSessions: withDefault(ARRAY(TEXT), []),
      keptFor: DATE(3),
      changedAt: changedAt(),
    },
    { sequelize, modelName: 'revocation', tableName: 'revocations' },
  )
}

export const definePartialRevocations = (sequelize: Sequelize): PartialRevocationTable => {
  class ConnectedPartialRevocation extends PartialRevocationModel {}
  return ConnectedPartialRevocation.init(
    {
      key: primaryKey(TEXT),
      userId: TEXT,
      sessionId: TEXT,
      role: TEXT,
      notBefore: required(DATE(3)),
      changedAt: changedAt(),
    },
    { sequelize, modelName: 'partialRevocation', tableName: 'partial_revocations' },
  )
}
