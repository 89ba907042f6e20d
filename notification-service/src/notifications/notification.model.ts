import type { NotificationChannel, NotificationStatus } from '@clientele/contracts/notification'
import { databaseTime } from '@clientele/platform/data/database-time'
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** What the text of a message is made of. */
export type Content = { number: string; total: string; currency: string }

/** A row of `notifications`. A new one is queued and due at once. */
export class NotificationModel extends Model<
  InferAttributes<NotificationModel>,
  InferCreationAttributes<NotificationModel>
> {
  declare id: string
  declare template: string
  declare orderId: string | null
  declare customerId: string | null
  declare content: Content
  declare status: CreationOptional<NotificationStatus>
  declare channel: CreationOptional<NotificationChannel | null>
  declare to: CreationOptional<string | null>
  declare locale: CreationOptional<string | null>
  declare provider: CreationOptional<string | null>
  declare providerMessageId: CreationOptional<string | null>
  declare reason: CreationOptional<string | null>
  declare cost: CreationOptional<string | null>
  declare attempts: CreationOptional<number>
  /** Attempts of which it is certain that nothing was taken, since it was queued. */
  declare failures: CreationOptional<number>
  declare queuedAt: CreationOptional<Date>
  /** When the next attempt is due; null while one is under way and after the last. */
  declare dueAt: CreationOptional<Date | null>
  declare attemptStartedAt: CreationOptional<Date | null>
  /** Set while an attempt is under way; after it, the process that made the attempt has died. */
  declare claimedUntil: CreationOptional<Date | null>
  declare createdAt: CreationOptional<Date>
  declare sentAt: CreationOptional<Date | null>
  declare deliveredAt: CreationOptional<Date | null>
  declare updatedAt: CreationOptional<Date>
  declare version: CreationOptional<number>
}
export type NotificationRow = InferAttributes<NotificationModel>
export type Notifications = ModelStatic<NotificationModel>

const { DATE, INTEGER, JSONB, TEXT, UUID } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })
const optional = <T>(type: T) => ({ type })
const withDefault = <T, V>(type: T, defaultValue: V) => ({ type, allowNull: false, defaultValue })

// Made anew for each pool: Sequelize writes into the definitions that it is given.
const attributes = () => ({
  id: { type: UUID, primaryKey: true },
  template: required(TEXT),
  orderId: optional(UUID),
  customerId: optional(UUID),
  content: required(JSONB),
  status: withDefault(TEXT, 'queued'),
  channel: optional(TEXT),
  to: { type: TEXT, field: 'recipient' },
  locale: optional(TEXT),
  provider: optional(TEXT),
  providerMessageId: optional(TEXT),
  reason: optional(TEXT),
  cost: optional(TEXT),
  attempts: withDefault(INTEGER, 0),
  failures: withDefault(INTEGER, 0),
  queuedAt: withDefault(DATE(3), databaseTime()),
  dueAt: { type: DATE(3), defaultValue: databaseTime() },
  attemptStartedAt: optional(DATE(3)),
  claimedUntil: optional(DATE(3)),
  createdAt: withDefault(DATE(3), databaseTime()),
  sentAt: optional(DATE(3)),
  deliveredAt: optional(DATE(3)),
  updatedAt: withDefault(DATE(3), databaseTime()),
  version: withDefault(INTEGER, 1),
})

/** The columns by attribute, for the list. */
export const notificationColumns: Record<string, { type: unknown; field?: string }> = attributes()

/** The model on one connection pool. */
export const defineNotifications = (sequelize: Sequelize): Notifications => {
  class ConnectedNotification extends NotificationModel {}
  return ConnectedNotification.init(attributes(), {
    sequelize,
    modelName: 'notification',
    tableName: 'notifications',
  })
}

/** Why a message is neither repeated nor known to be sent. */
export const outcomeUnknown = 'outcome_unknown'
