import { orderPlaced } from '@clientele/contracts/order'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { NotificationService } from '../notifications/notification.service.ts'

export const orderNoticeEvents = [orderPlaced] as const

/** Queues the confirmation of an order; nothing is sent here. */
export const orderWasPlaced = ({ notifications }: { notifications: NotificationService }) =>
  consumer({
    queue: 'notification-service.orders',
    events: orderNoticeEvents,
    concerns: ({ data }) => data.customerId !== null,
    handle: ({ data }, tx) => {
      const { id: orderId, customerId, number, total, currency } = data
      return notifications.queue(
        { template: 'order-placed', orderId, customerId, content: { number, total, currency } },
        tx,
      )
    },
  })
