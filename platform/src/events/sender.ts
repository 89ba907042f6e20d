import { processOfAccount, publishersOf } from '@clientele/contracts/broker-accounts'
import { exchange } from './broker.ts'
import { queueExchange } from './consumer/queue-topology.ts'
import type { Envelope } from './envelope.ts'

/** The `x-reason` of dead letters whose sender may not publish them. */
export const foreignSender = 'foreign sender'

/** What RabbitMQ says about a message. */
type Delivered = {
  fields: { exchange: string; routingKey: string }
  properties: { userId?: unknown; headers?: Record<string, unknown> | undefined }
}

/**
 * Checks that an event comes from a service that publishes its type, by what RabbitMQ guarantees:
 * - An account can publish to the exchange of all events only with the routing keys of its types. So the routing key has to be the
 *   type. Ways around that check leave traces: a message that was dead-lettered into the exchange has `x-death`, and one from another
 *   exchange has its name.
 * - `user-id`, if set, is the account that published the message.
 * - Only the consumer's own account and operators can publish to its retry queues, so those messages have been checked before.
 * @param queue the consumer's queue
 * @returns why the sender is refused, or undefined
 */
export const refuseSender = ({ fields, properties }: Delivered, event: Envelope, queue: string): string | undefined => {
  const publishers = publishersOf(event.type)
  // Not an event of the registry.
  if (publishers.length === 0) return undefined
  if (!publishers.some((name) => event.source === `/${name}`)) return `source is not ${publishers.join(' or ')}`
  if (fields.exchange === '' || fields.exchange === queueExchange(queue)) return undefined
  if (fields.exchange !== exchange) return `published to ${fields.exchange}`
  if (fields.routingKey !== event.type) return `published as ${fields.routingKey}`
  if (properties.headers?.['x-death'] !== undefined) return 'dead-lettered by another queue'
  const sender = typeof properties.userId === 'string' ? processOfAccount(properties.userId) : undefined
  if (sender !== undefined && !publishers.includes(sender)) return `published by the account of ${sender}`
  return undefined
}
