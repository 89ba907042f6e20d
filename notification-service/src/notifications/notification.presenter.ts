import type { Notification, NotificationEventData } from '@clientele/contracts/notification'
import { type Actor, isAdmin } from '@clientele/platform/auth/token-verifier'
import type { NotificationRow } from './notification.model.ts'

const iso = (at: Date | null): string | null => at?.toISOString() ?? null

/** An address of which a colleague recognises the customer, and nobody else does: `+254711***111`, `a***@example.com`. */
export const masked = (to: string): string => {
  const at = to.lastIndexOf('@')
  if (at !== -1) return `${to.slice(0, 1)}***${to.slice(at)}`
  return to.length < 9 ? `***${to.slice(-2)}` : `${to.slice(0, -6)}***${to.slice(-3)}`
}

/** A notification as events tell of it. */
export const presentEvent = (row: NotificationRow): NotificationEventData => ({
  id: row.id,
  channel: row.channel,
  template: row.template,
  locale: row.locale,
  status: row.status,
  provider: row.provider,
  reason: row.reason,
  cost: row.cost,
  attempts: row.attempts,
  orderId: row.orderId,
  customerId: row.customerId,
  createdAt: row.createdAt.toISOString(),
  sentAt: iso(row.sentAt),
  deliveredAt: iso(row.deliveredAt),
  updatedAt: row.updatedAt.toISOString(),
  version: row.version,
})

/** A notification as the API shows it: admins see the whole address. */
export const presentNotification = (row: NotificationRow, actor: Actor): Notification => ({
  ...presentEvent(row),
  to: row.to === null || isAdmin(actor) ? row.to : masked(row.to),
})
