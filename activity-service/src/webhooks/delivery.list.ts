import { WebhookDeliveryStatus } from '@clientele/contracts/webhook'
import { list, oneOf, text, time } from '@clientele/platform/lists/list'

/** A row of `webhook_deliveries`. */
export type DeliveryRow = {
  id: string
  at: Date
  webhookId: string
  seq: number
  eventId: string
  type: string
  subject: string
  attempt: number
  status: 'delivered' | 'failed'
  responseStatus: number | null
  error: string | null
  durationMs: number
  answer: string | null
  nextAttemptAt: Date | null
}

const exact = (description: string) => ({ ...text(), operators: ['eq', 'ne'] as const, description })

export const deliveryList = list<DeliveryRow>({
  table: 'webhook_deliveries',
  columns: [
    ...['id', 'at', 'webhookId', 'seq', 'eventId', 'type', 'subject', 'attempt', 'status', 'responseStatus'],
    ...['error', 'durationMs', 'answer', 'nextAttemptAt'],
  ],
  sort: ['at'],
  defaultSort: '-at',
  filter: {
    status: oneOf(WebhookDeliveryStatus),
    type: exact('An event type, such as `order.placed.v1`. Separate alternatives with commas'),
    subject: exact('The id of the record that the event is about. Separate alternatives with commas'),
    at: time(),
  },
})
