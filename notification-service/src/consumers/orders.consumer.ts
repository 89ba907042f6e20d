import { type Order, orderCancelled, orderPlaced } from '@clientele/contracts/order'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { NewNotification, NotificationService } from '../notifications/notification.service.ts'

export const notifiedOrderEvents = [orderPlaced, orderCancelled] as const

type OrderData = Pick<Order, 'id' | 'customerId' | 'number' | 'total' | 'currency'> & { actor: { id: string } }

const confirmationOf = ({ id: orderId, customerId, number, total, currency, actor }: OrderData): NewNotification => ({
  template: 'order-placed',
  orderId,
  customerId,
  authorId: actor.id,
  content: { number, total, currency },
})

/** Queues the confirmation of a placed order, which the sender sends, and cancels that of a cancelled one. */
export const orderConsumer = ({ notifications }: { notifications: NotificationService }) =>
  consumer({
    queue: 'notification-service.orders',
    events: notifiedOrderEvents,
    filter: ({ data }) => data.customerId !== null,
    handle: ({ type, data }, tx) =>
      type === orderCancelled.type
        ? notifications.cancel(confirmationOf(data), tx)
        : notifications.queue(confirmationOf(data), tx),
  })
