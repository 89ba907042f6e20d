import { z } from 'zod'
import { CustomerRef } from './customer-ref.ts'
import { event } from './event.ts'
import { time, uuid } from './fields.ts'

export const NotificationChannel = z.enum(['sms', 'email']).meta({ id: 'NotificationChannel' })
export type NotificationChannel = z.infer<typeof NotificationChannel>

/**
 * - `queued`: waiting to be sent or retried
 * - `sent`: the provider has accepted it
 * - `delivered`: the provider has reported its delivery
 * - `failed`: given up; `reason` says why
 * - `skipped`: not sent on purpose; `reason` says why
 */
export const NotificationStatus = z
  .enum(['queued', 'sent', 'delivered', 'failed', 'skipped'])
  .meta({ id: 'NotificationStatus' })
export type NotificationStatus = z.infer<typeof NotificationStatus>

/**
 * Why a customer with a telephone number gets an e-mail:
 * - `no_sms_provider`: no SMS provider is configured
 * - `country_not_allowed`: the installation sends no SMS to the country of the number
 * - `number_not_mobile`: the number is a landline, or of another kind that gets no SMS
 * - `number_rejected`: the SMS provider refused the number
 */
export const NotificationFallback = z
  .enum(['no_sms_provider', 'country_not_allowed', 'number_not_mobile', 'number_rejected'])
  .meta({ id: 'NotificationFallback' })
export type NotificationFallback = z.infer<typeof NotificationFallback>

export const Notification = z
  .object({
    id: uuid,
    channel: NotificationChannel.nullable().meta({ description: 'Null until a channel is chosen.' }),
    to: z.string().nullable().meta({
      example: '+254711***111',
      description: 'The phone number or e-mail address. Only admins see it whole; for users it is masked.',
    }),
    template: z.string().meta({ example: 'order-placed' }),
    locale: z.string().nullable(),
    status: NotificationStatus,
    provider: z.string().nullable().meta({ example: 'africastalking' }),
    reason: z.string().nullable().meta({
      example: 'opted_out',
      description:
        'Why the notification failed, was skipped or is retried. `order_cancelled`: the order was cancelled before. `no_sms_provider`, `number_not_mobile` and `country_not_allowed`: the customer has a telephone number that gets no SMS, and no e-mail address. `recipient_limit`, `author_limit`, `installation_limit` and `country_not_allowed` name a limit of the installation.',
    }),
    fallbackReason: NotificationFallback.nullable().meta({
      description:
        'Why it is an e-mail although the customer has a telephone number: `no_sms_provider`, `country_not_allowed`, `number_not_mobile` (the number gets no SMS) or `number_rejected` (by the SMS provider, so an e-mail followed). Otherwise null.',
    }),
    cost: z.string().nullable().meta({ example: 'KES 0.8000', description: 'The price as the provider reports it.' }),
    attempts: z.int().min(0),
    orderId: uuid.nullable(),
    orderNumber: z.string().nullable().meta({ example: 'ORD-000123', description: 'The number of the order.' }),
    customerId: uuid.nullable(),
    customer: CustomerRef.nullable().meta({
      description: 'Null if there is none, if it was purged, or if it is not known to the service yet.',
    }),
    createdAt: time,
    sentAt: time.nullable(),
    deliveredAt: time.nullable(),
    updatedAt: time,
    version: z.int().min(1),
  })
  .meta({ id: 'Notification' })
export type Notification = z.infer<typeof Notification>

/** A notification with what the customer gets to read. */
export const NotificationWithText = Notification.extend({
  subject: z.string().nullable().meta({
    example: 'Your order ORD-000123 at Duka',
    description: 'The subject of an e-mail; null for an SMS. It is masked like `text`.',
  }),
  text: z.string().nullable().meta({
    example: 'Ana, thank you for your order ***: KES ***. Duka',
    description:
      'The text of the last attempt. Null before the first one, after the customer was purged, and if the text was not kept. Only admins see it whole: for users, each word with a digit, an `@` or `://` is `***`.',
  }),
}).meta({ id: 'NotificationWithText' })
export type NotificationWithText = z.infer<typeof NotificationWithText>

const NotificationEventData = Notification.omit({ to: true, customer: true })
/** A notification as events contain it: without the address and the name of the customer. */
export type NotificationEventData = z.infer<typeof NotificationEventData>
export const notificationSent = event('notification.sent.v1', NotificationEventData)
export const notificationDelivered = event('notification.delivered.v1', NotificationEventData)
export const notificationFailed = event('notification.failed.v1', NotificationEventData)
/** The notification was not sent: the customer opted out, has no address or was deleted, the order was cancelled, or a limit was reached. */
export const notificationSkipped = event('notification.skipped.v1', NotificationEventData)
export const notificationEvents = [notificationSent, notificationDelivered, notificationFailed, notificationSkipped]
