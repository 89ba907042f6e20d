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

export const mailPurposes = ['password_reset', 'verify_email', 'confirm_email', 'restore_email'] as const
export type MailPurpose = (typeof mailPurposes)[number]

/** A row of `mails`: a mail to send. */
export class MailModel extends Model<InferAttributes<MailModel>, InferCreationAttributes<MailModel>> {
  declare id: string
  declare purpose: MailPurpose
  /** An e-mail address for `password_reset`, a user id for `verify_email`, the id of an e-mail link for the others. */
  declare recipient: string
  declare attempts: CreationOptional<number>
  declare nextAt: CreationOptional<Date>
  declare createdAt: CreationOptional<Date>
  declare sentAt: CreationOptional<Date | null>
}
export type Mails = ModelStatic<MailModel>

const { DATE, INTEGER, TEXT, UUID } = DataTypes

/** The model on one connection pool. */
export const defineMails = (sequelize: Sequelize): Mails => {
  class ConnectedMail extends MailModel {}
  return ConnectedMail.init(
    {
      id: primaryKey(UUID),
      purpose: required(TEXT),
      recipient: required(TEXT),
      attempts: withDefault(INTEGER, 0),
      nextAt: withDefault(DATE(3), databaseClock()),
      createdAt: withDefault(DATE(3), databaseClock()),
      sentAt: DATE(3),
    },
    { sequelize, modelName: 'mail', tableName: 'mails' },
  )
}
