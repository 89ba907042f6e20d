import { z } from 'zod'
import { event } from './event.ts'
import { time, uuid } from './fields.ts'

export const NotificationChannel = z.enum(['sms', 'email'])
export type NotificationChannel = z.infer<typeof NotificationChannel>

/**
 * `queued`: will be sent, or is tried again; `sent`: the provider took it; `delivered`: the provider says that it arrived;
 * `failed`: given up, `reason` says why; `skipped`: nobody is to be told, `reason` says why.
 */
export const NotificationStatus = z.enum(['queued', 'sent', 'delivered', 'failed', 'skipped'])
export type NotificationStatus = z.infer<typeof NotificationStatus>

export const Notification = z
  .object({
    id: uuid,
    channel: NotificationChannel.nullable().meta({ description: 'null where it was skipped before one was chosen' }),
    to: z.string().nullable().meta({ example: '+254711***111', description: 'whole for admins only' }),
    template: z.string().meta({ example: 'order-placed' }),
    locale: z.string().nullable(),
    status: NotificationStatus,
    provider: z.string().nullable().meta({ example: 'africastalking' }),
    reason: z.string().nullable().meta({ example: 'opted_out' }),
    cost: z.string().nullable().meta({ example: 'KES 0.8000', description: 'as the provider tells it' }),
    attempts: z.int(),
    orderId: uuid.nullable(),
    customerId: uuid.nullable(),
    createdAt: time,
    sentAt: time.nullable(),
    deliveredAt: time.nullable(),
    updatedAt: time,
    version: z.int().min(1),
  })
  .meta({ id: 'Notification' })
export type Notification = z.infer<typeof Notification>

const NotificationEventData = Notification.omit({ to: true })
/** A notification as events tell of it: without the address. */
export type NotificationEventData = z.infer<typeof NotificationEventData>
export const notificationSent = event('notification.sent.v1', NotificationEventData)
export const notificationDelivered = event('notification.delivered.v1', NotificationEventData)
export const notificationFailed = event('notification.failed.v1', NotificationEventData)
/** Nobody was to be told: opted out, no address, customer gone. */
export const notificationSkipped = event('notification.skipped.v1', NotificationEventData)
export const notificationEvents = [notificationSent, notificationDelivered, notificationFailed, notificationSkipped]
