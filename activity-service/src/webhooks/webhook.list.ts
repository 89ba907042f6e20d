import { list, time } from '@clientele/platform/lists/list'

export const webhookList = list<{ id: string }>({
  table: 'webhooks',
  columns: ['id'],
  sort: ['createdAt'],
  defaultSort: 'createdAt',
  filter: { createdAt: time() },
})
