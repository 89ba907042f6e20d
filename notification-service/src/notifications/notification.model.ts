import type { NotificationChannel, NotificationFallback, NotificationStatus } from '@clientele/contracts/notification'
import { databaseTime } from '@clientele/platform/data/database-time'
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

/** The values that the texts of a message contain. */
export type Content = { number: string; total: string; currency: string }

/** A row of `notifications`. By default a new one is queued and due at once. */
export class NotificationModel extends Model<
  InferAttributes<NotificationModel>,
  InferCreationAttributes<NotificationModel>
> {
  declare id: string
  declare template: string
  declare orderId: string | null
  declare customerId: string | null
  /** The id of the user or client that caused the message; null if it was queued before authors were recorded. */
  declare authorId: CreationOptional<string | null>
  declare content: Content
  /** The order was cancelled, so a message that confirms it is not sent any more. */
  declare orderCancelled: CreationOptional<boolean>
  declare status: CreationOptional<NotificationStatus>
  declare channel: CreationOptional<NotificationChannel | null>
  declare to: CreationOptional<string | null>
  declare locale: CreationOptional<string | null>
  /** The subject of an e-mail, and the text of the last attempt. */
  declare subject: CreationOptional<string | null>
  declare text: CreationOptional<string | null>
  declare provider: CreationOptional<string | null>
  declare providerMessageId: CreationOptional<string | null>
  declare reason: CreationOptional<string | null>
  /** Why the message is an e-mail although the customer has a telephone number. */
  declare fallbackReason: CreationOptional<NotificationFallback | null>
  declare cost: CreationOptional<string | null>
  declare attempts: CreationOptional<number>
  /** Attempts since it was queued that the provider certainly did not accept. */
  declare failures: CreationOptional<number>
  declare queuedAt: CreationOptional<Date>
  /** When the next attempt is due; null while an attempt is running, and after the last one. */
  declare dueAt: CreationOptional<Date | null>
  declare attemptStartedAt: CreationOptional<Date | null>
  /** When the lease of the running attempt ends; null if none is running. A lease that has ended means that the process died. */
  declare claimedUntil: CreationOptional<Date | null>
  declare createdAt: CreationOptional<Date>
  declare sentAt: CreationOptional<Date | null>
  declare deliveredAt: CreationOptional<Date | null>
  declare updatedAt: CreationOptional<Date>
  declare version: CreationOptional<number>
  /** The text that `q` searches; null until the task for it has written it. */
  declare searchText: CreationOptional<string | null>
}
export type NotificationRow = InferAttributes<NotificationModel>
/** A row as the list reads it. */
export type ListedNotification = Omit<NotificationRow, 'subject' | 'text' | 'searchText'>
export type Notifications = ModelStatic<NotificationModel>

const { BOOLEAN, DATE, INTEGER, JSONB, TEXT, UUID } = DataTypes
const optional = <T>(type: T) => ({ type })

// A function, because Sequelize changes the definitions that it gets, and each connection pool needs its own.
const attributes = () => ({
  id: primaryKey(UUID),
  template: required(TEXT),
  orderId: optional(UUID),
  customerId: optional(UUID),
  authorId: optional(TEXT),
  content: required(JSONB),
  orderCancelled: withDefault(BOOLEAN, false),
  status: withDefault(TEXT, 'queued'),
  channel: optional(TEXT),
  to: { type: TEXT, field: 'recipient' },
  locale: optional(TEXT),
  subject: optional(TEXT),
  text: optional(TEXT),
  provider: optional(TEXT),
  providerMessageId: optional(TEXT),
  reason: optional(TEXT),
  fallbackReason: optional(TEXT),
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
  searchText: optional(TEXT),
})

const { subject: _subject, text: _text, searchText: _searchText, ...listed } = attributes()
/** The attributes with their columns, for the list. It does not contain the texts. */
export const notificationColumns: Record<string, { type: unknown; field?: string }> = listed

/** Defines the model on a connection pool. */
export const defineNotifications = (sequelize: Sequelize): Notifications => {
  class ConnectedNotification extends NotificationModel {}
  return ConnectedNotification.init(attributes(), {
    sequelize,
    modelName: 'notification',
    tableName: 'notifications',
  })
}

/** The `reason` of a message that was not sent because its order was cancelled before. */
export const orderCancelledReason = 'order_cancelled'

/** The `reason` of a failed message that the provider may have accepted. It is not sent again automatically. */
export const outcomeUnknown = 'outcome_unknown'
