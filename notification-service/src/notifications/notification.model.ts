import type { NotificationChannel, NotificationStatus } from '@clientele/contracts/notification'

/** What the text of a message is made of. */
export type Content = { number: string; total: string; currency: string }

/** A row of the table `notifications`. */
export type NotificationRow = {
  id: string
  template: string
  orderId: string | null
  customerId: string | null
  content: Content
  status: NotificationStatus
  channel: NotificationChannel | null
  to: string | null
  locale: string | null
  provider: string | null
  providerMessageId: string | null
  reason: string | null
  cost: string | null
  attempts: number
  failures: number
  attemptStartedAt: Date | null
  claimedUntil: Date | null
  createdAt: Date
  sentAt: Date | null
  deliveredAt: Date | null
  updatedAt: Date
  version: number
}

/** The column of each attribute. */
export const notificationColumns = {
  id: 'id',
  template: 'template',
  orderId: 'order_id',
  customerId: 'customer_id',
  content: 'content',
  status: 'status',
  channel: 'channel',
  to: 'recipient',
  locale: 'locale',
  provider: 'provider',
  providerMessageId: 'provider_message_id',
  reason: 'reason',
  cost: 'cost',
  attempts: 'attempts',
  failures: 'failures',
  attemptStartedAt: 'attempt_started_at',
  claimedUntil: 'claimed_until',
  createdAt: 'created_at',
  sentAt: 'sent_at',
  deliveredAt: 'delivered_at',
  updatedAt: 'updated_at',
  version: 'version',
} as const satisfies Record<keyof NotificationRow, string>

/** All columns, as they are selected from `notifications`. */
export const selected = Object.entries(notificationColumns)
  .map(([name, column]) => `notifications.${column} as "${name}"`)
  .join(', ')

/** Why a message is neither repeated nor known to be sent. */
export const outcomeUnknown = 'outcome_unknown'
