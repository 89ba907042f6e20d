import { list, text, time, uuid } from '@clientele/platform/lists/list'
import { type NotificationRow, notificationColumns } from './notification.model.ts'

// Short words of ours: no index serves a part of one.
const word = {
  ...text(),
  operators: ['eq', 'ne'] as const,
  description: 'several values between commas are alternatives',
}

export const notificationList = list<NotificationRow>({
  table: 'notifications',
  columns: notificationColumns,
  sort: ['createdAt', 'updatedAt'],
  defaultSort: '-createdAt',
  filter: {
    status: word,
    channel: word,
    template: word,
    orderId: uuid(),
    customerId: uuid(),
    createdAt: time(),
  },
})
