import {
  type CreationOptional,
  DataTypes,
  fn,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

export type MailPurpose = 'password_reset' | 'verify_email'

/** A row of `mails`: one that Keycloak is to send after the answer, so that the answer tells nothing. */
export class MailModel extends Model<InferAttributes<MailModel>, InferCreationAttributes<MailModel>> {
  declare id: string
  declare purpose: MailPurpose
  /** An address for a reset, a user id for a verification. */
  declare recipient: string
  declare attempts: CreationOptional<number>
  declare nextAt: CreationOptional<Date>
  declare createdAt: CreationOptional<Date>
  declare sentAt: CreationOptional<Date | null>
}
export type Mails = ModelStatic<MailModel>

const { DATE, INTEGER, TEXT, UUID } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

/** The model on one connection pool. */
export const defineMails = (sequelize: Sequelize): Mails => {
  class ConnectedMail extends MailModel {}
  return ConnectedMail.init(
    {
      id: { type: UUID, primaryKey: true },
      purpose: required(TEXT),
      recipient: required(TEXT),
      attempts: { type: INTEGER, allowNull: false, defaultValue: 0 },
      nextAt: { type: DATE(3), allowNull: false, defaultValue: fn('clock_timestamp') },
      createdAt: { type: DATE(3), allowNull: false, defaultValue: fn('clock_timestamp') },
      sentAt: DATE(3),
    },
    { sequelize, modelName: 'mail', tableName: 'mails' },
  )
}
