import type { NotificationChannel } from '@clientele/contracts/notification'
import type { CustomerRow } from '../customers/customer.model.ts'

/** Why a message is not sent. */
type SkipReason =
  | 'no_customer'
  | 'customer_unknown'
  | 'customer_deleted'
  | 'opted_out'
  | 'no_address'
  | 'no_email_channel'

/** Where a message goes, or why it is skipped. */
export type Route = { channel: NotificationChannel; to: string } | { skip: SkipReason }

/** Chooses SMS, or e-mail if the customer has no phone number. An opt-out covers both. */
export const chooseRoute = (customer: CustomerRow, { email }: { email: boolean }): Route => {
  if (customer.deleted || customer.purged) return { skip: 'customer_deleted' }
  if (customer.smsOptOut) return { skip: 'opted_out' }
  if (customer.phone !== null) return { channel: 'sms', to: customer.phone }
  if (customer.email === null) return { skip: 'no_address' }
  return email ? { channel: 'email', to: customer.email } : { skip: 'no_email_channel' }
}
