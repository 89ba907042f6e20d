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

export type EmailLinkKind = 'confirmation' | 'restoration'

/** A row of `email_links`: a mailed link that makes `email` the address of the user. */
export class EmailLinkModel extends Model<InferAttributes<EmailLinkModel>, InferCreationAttributes<EmailLinkModel>> {
  declare id: string
  declare kind: EmailLinkKind
  declare userId: string
  declare email: string
  /** SHA-256 of the token; null until the link is mailed. */
  declare tokenHash: CreationOptional<string | null>
  declare createdAt: CreationOptional<Date>
  declare expiresAt: Date
}
export type EmailLinkRows = ModelStatic<EmailLinkModel>

const { DATE, TEXT, UUID } = DataTypes

/** The model on one connection pool. */
export const defineEmailLinks = (sequelize: Sequelize): EmailLinkRows => {
  class ConnectedEmailLink extends EmailLinkModel {}
  return ConnectedEmailLink.init(
    {
      id: primaryKey(UUID),
      kind: required(TEXT),
      userId: required(TEXT),
      email: required(TEXT),
      tokenHash: TEXT,
      createdAt: withDefault(DATE(3), databaseClock()),
      expiresAt: required(DATE(3)),
    },
    { sequelize, modelName: 'emailLink', tableName: 'email_links' },
  )
}
