import { includeParameter } from '@clientele/contracts/customer-ref'
import { uuid } from '@clientele/contracts/fields'
import { Notification, NotificationWithText } from '@clientele/contracts/notification'
import { page } from '@clientele/contracts/page'
import { type Api, accepted, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import { notificationList } from './notification.list.ts'
import type { NotificationService } from './notification.service.ts'

export type NotificationRouteDeps = { notifications: NotificationService }

const shared = { tag: 'Notifications', roles: ['user'] } as const
const params = z.strictObject({ id: uuid })

export const notificationRoutes = (api: Api, { notifications }: NotificationRouteDeps): void => {
  api.operation(
    {
      ...shared,
      method: 'get',
      path: '/v1/notifications',
      operationId: 'listNotifications',
      summary: 'List notifications, newest first',
      description:
        'Only admins see whole addresses; for users they are masked. `q` searches order numbers, codes and names of customers, and addresses. A whole order number or customer code finds only the notifications of that order or customer.',
      query: notificationList.queryWith({ include: includeParameter }),
      responses: { 200: page(Notification) },
    },
    async ({ query: { include, ...query }, actor }) => ok(await notifications.list(query, actor, include)),
  )

  api.operation(
    {
      ...shared,
      method: 'get',
      path: '/v1/notifications/{id}',
      operationId: 'getNotification',
      summary: 'Get a notification with its text',
      description:
        'Only admins see the whole address, subject and text. For users each word of the text with a digit, an `@` or `://` is `***`.',
      params,
      query: z.strictObject({ include: includeParameter }),
      responses: { 200: NotificationWithText },
    },
    async ({ params: { id }, query: { include }, actor }) => ok(await notifications.get(id, actor, include)),
  )

  api.operation(
    {
      tag: 'Notifications',
      roles: ['admin'],
      method: 'post',
      path: '/v1/notifications/{id}/retry',
      operationId: 'retryNotification',
      summary: 'Retry a failed or skipped notification',
      description:
        'Queues the notification again. If its reason is `outcome_unknown`, the customer may get the message twice. The confirmation of a cancelled order cannot be sent again.',
      params,
      responses: { 202: Notification },
    },
    async ({ params: { id }, actor }) => accepted(await notifications.retry(id, actor), `/v1/notifications/${id}`),
  )
}
