import type { Notification, NotificationEventData, NotificationWithText } from '@clientele/contracts/notification'
import { type Actor, isAdmin } from '@clientele/platform/auth/token-verifier'
import { presentCustomer, type ShownCustomer } from '../customers/customer.presenter.ts'
import type { ListedNotification, NotificationRow } from './notification.model.ts'

const iso = (at: Date | null): string | null => at?.toISOString() ?? null

/** Masks an address: `+254711000111` → `+254711***111`, `ana@example.com` → `a***@example.com`. */
export const maskAddress = (to: string): string => {
  const at = to.lastIndexOf('@')
  if (at !== -1) return `${to.slice(0, 1)}***${to.slice(at)}`
  return to.length < 9 ? `***${to.slice(-2)}` : `${to.slice(0, -6)}***${to.slice(-3)}`
}

/**
 * Masks each word of a text that can be a number, a code, an address or a link: one with a digit, an `@` or `://` becomes `***`.
 * Punctuation after it stays.
 */
export const maskText = (text: string): string =>
  text.replace(/\S*(?:[\p{N}@]|:\/\/)\S*/gu, (word) => `***${/[.,:;!?]*$/.exec(word)?.[0] ?? ''}`)

/** A notification as events contain it. */
export const presentEventData = (row: ListedNotification): NotificationEventData => ({
  id: row.id,
  channel: row.channel,
  template: row.template,
  locale: row.locale,
  status: row.status,
  provider: row.provider,
  reason: row.reason,
  fallbackReason: row.fallbackReason,
  cost: row.cost,
  attempts: row.attempts,
  orderId: row.orderId,
  orderNumber: row.content.number,
  customerId: row.customerId,
  createdAt: row.createdAt.toISOString(),
  sentAt: iso(row.sentAt),
  deliveredAt: iso(row.deliveredAt),
  updatedAt: row.updatedAt.toISOString(),
  version: row.version,
})

/** A notification as responses contain it, with its customer if that is known. Only admins see the whole address. */
export const presentNotification = (
  row: ListedNotification,
  customer: ShownCustomer | undefined,
  actor: Actor,
): Notification => ({
  ...presentEventData(row),
  customer: presentCustomer(customer),
  to: row.to === null || isAdmin(actor) ? row.to : maskAddress(row.to),
})

/** A notification with its text, as the response of a single one contains it. Only admins see the whole text. */
export const presentWithText = (
  row: NotificationRow,
  customer: ShownCustomer | undefined,
  actor: Actor,
): NotificationWithText => {
  const show = (text: string | null) => (text === null || isAdmin(actor) ? text : maskText(text))
  return { ...presentNotification(row, customer, actor), subject: show(row.subject), text: show(row.text) }
}
