import type { WebhookPausedReason } from '@clientele/contracts/webhook'
import { primaryKey, required, withDefault } from '@clientele/platform/data/model-attributes'
import { stampAttributes } from '@clientele/platform/data/stamps'
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `webhooks`. */
class WebhookModel extends Model<InferAttributes<WebhookModel>, InferCreationAttributes<WebhookModel>> {
  declare id: string
  declare url: string
  declare events: string[]
  declare description: string | null
  declare ordered: boolean
  declare payload: 'full' | 'reference'
  /** Encrypted, as the previous one. */
  declare secret: Buffer
  declare previousSecret: CreationOptional<Buffer | null>
  /** Until then requests are signed with the previous secret too. */
  declare previousSecretUntil: CreationOptional<Date | null>
  declare rotatedAt: CreationOptional<Date | null>
  /** Null if it is not paused. */
  declare pausedReason: WebhookPausedReason | null
  declare position: number
  declare positionAt: Date
  /** Failed attempts since the last success. */
  declare failures: CreationOptional<number>
  declare failingSince: CreationOptional<Date | null>
  declare lastSuccessAt: CreationOptional<Date | null>
  declare leasedBy: CreationOptional<string | null>
  declare leasedUntil: CreationOptional<Date | null>
  declare createdAt: Date
  declare createdBy: string
  declare createdByName: string
  declare updatedAt: Date
  declare updatedBy: string
  declare updatedByName: string
  declare version: number
}
export type WebhookRow = InferAttributes<WebhookModel>
export type Webhooks = ModelStatic<WebhookModel>

const { ARRAY, BIGINT, BLOB, BOOLEAN, DATE, INTEGER, TEXT, UUID } = DataTypes

// A function, because Sequelize changes the definitions that it gets, and each connection pool needs its own.
const attributes = () => ({
  id: primaryKey(UUID),
  url: required(TEXT),
  events: required(ARRAY(TEXT)),
  description: TEXT,
  ordered: required(BOOLEAN),
  payload: required(TEXT),
  secret: required(BLOB),
  previousSecret: BLOB,
  previousSecretUntil: DATE(3),
  rotatedAt: DATE(3),
  pausedReason: TEXT,
  position: required(BIGINT),
  positionAt: required(DATE(3)),
  failures: withDefault(INTEGER, 0),
  failingSince: DATE(3),
  lastSuccessAt: DATE(3),
  leasedBy: UUID,
  leasedUntil: DATE(3),
  ...stampAttributes(),
})

/** Defines the model on a connection pool. */
export const defineWebhooks = (sequelize: Sequelize): Webhooks => {
  class ConnectedWebhook extends WebhookModel {}
  return ConnectedWebhook.init(attributes(), { sequelize, modelName: 'webhook', tableName: 'webhooks' })
}
