import { NotificationChannel, NotificationStatus } from '@clientele/contracts/notification'
import type { Condition } from '@clientele/platform/lists/condition'
import { list, oneOf, text, time, uuid } from '@clientele/platform/lists/list'
import { type ListedNotification, notificationColumns } from './notification.model.ts'

/** The number in a whole order number or customer code, with at least six digits; undefined for any other text. */
const numberIn = (text: string, prefix: string): string | undefined => {
  const [, digits] = new RegExp(`^${prefix}-(\\d{1,15})$`, 'i').exec(text) ?? []
  return digits && `${prefix}-${String(Number(digits)).padStart(6, '0')}`
}

/** A whole order number finds the notifications of that order, and a whole customer code those of that customer. */
const lookup = (text: string): Condition[] => {
  const number = numberIn(text, 'ORD')
  if (number !== undefined) return [(bind) => `content ->> 'number' = ${bind(number)}`]
  const code = numberIn(text, 'CUS')
  if (code === undefined) return []
  return [(bind) => `customer_id = (select id from customers where code = ${bind(code)} limit 1)`]
}

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
  search: 'search_text',
  searchesTelephones: true,
  lookup,
})
