import { orderPlaced } from '@clientele/contracts/order'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { NotificationService } from '../notifications/notification.service.ts'

export const notifiedOrderEvents = [orderPlaced] as const

/** Queues the confirmation of an order. The sender sends it. */
export const orderPlacedConsumer = ({ notifications }: { notifications: NotificationService }) =>
  consumer({
    queue: 'notification-service.orders',
    events: notifiedOrderEvents,
    filter: ({ data }) => data.customerId !== null,
    handle: ({ data }, tx) => {
      const { id: orderId, customerId, number, total, currency, actor } = data
      return notifications.queue(
        { template: 'order-placed', orderId, customerId, authorId: actor.id, content: { number, total, currency } },
        tx,
      )
    },
  })
