import { NotificationChannel, NotificationStatus } from '@clientele/contracts/notification'
import { list, oneOf, text, time, uuid } from '@clientele/platform/lists/list'
import { type ListedNotification, notificationColumns } from './notification.model.ts'

export const notificationList = list<ListedNotification>({
  table: 'notifications',
  columns: notificationColumns,
  sort: ['createdAt', 'updatedAt'],
  defaultSort: '-createdAt',
  filter: {
    status: oneOf(NotificationStatus),
    channel: oneOf(NotificationChannel),
    template: {
      ...text(),
      operators: ['eq', 'ne'],
      description: 'A template, such as `order-placed`. Separate alternatives with commas',
    },
    orderId: uuid(),
    customerId: uuid(),
    createdAt: time(),
  },
})
