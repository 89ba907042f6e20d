import type { NotificationChannel, NotificationFallback } from '@clientele/contracts/notification'
import type { CustomerRow } from '../customers/customer.model.ts'

/** Why a message is not sent. */
type SkipReason = 'customer_deleted' | 'opted_out' | 'no_address' | 'no_email_channel' | NotificationFallback

/** Where a message goes. `fallback` says why not to the customer's telephone number. */
export type Destination = { channel: NotificationChannel; to: string; fallback: NotificationFallback | null }
/** Where a message goes, or why it is skipped. */
export type Route = Destination | { skip: SkipReason }

type Channels = {
  /** Whether e-mails can be sent. */
  email: boolean
  /** Why a telephone number gets no SMS; undefined if it gets one. */
  whyNoSms(phone: string): NotificationFallback | undefined
}

/** Chooses SMS, or e-mail if the customer has no telephone number or one that gets no SMS. An opt-out covers both. */
export const chooseRoute = (customer: CustomerRow, { email, whyNoSms }: Channels): Route => {
  const { phone, email: address } = customer
  if (customer.deleted || customer.purged) return { skip: 'customer_deleted' }
  if (customer.smsOptOut) return { skip: 'opted_out' }
  const fallback = phone === null ? undefined : whyNoSms(phone)
  if (phone !== null && fallback === undefined) return { channel: 'sms', to: phone, fallback: null }
  if (address !== null && email) return { channel: 'email', to: address, fallback: fallback ?? null }
  if (fallback !== undefined) return { skip: fallback }
  return { skip: address === null ? 'no_address' : 'no_email_channel' }
}
