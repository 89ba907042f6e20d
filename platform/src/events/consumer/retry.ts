import { randomUUID } from 'node:crypto'
import type { ConfirmChannel, ConsumeMessage, Message } from 'amqplib'
import { exchange, type Outgoing, publishAll } from '../broker.ts'
import { deadQueue, retryQueue } from './queue-topology.ts'

const mostDeliveries = 20

/** A header that holds a whole number; 0 where it is absent. */
export const numberHeader = ({ properties }: Message, name: string): number => {
  const value: unknown = properties.headers?.[name]
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : 0
}

/** Whether it was delivered again and again without any end: its handler takes the process down. */
export const crashLooped = (message: ConsumeMessage): boolean =>
  numberHeader(message, 'x-delivery-count') > mostDeliveries

// The broker's own counts begin anew with each republishing.
const brokersOwn = /^(x-death|x-delivery-count|x-acquired-count|x-first-death-.*|x-last-death-.*)$/

/** The message as it is sent again, with `headers` added, or removed where undefined. */
export const copyOf = (message: Message, routingKey: string, headers: Record<string, unknown>): Outgoing => {
  const { messageId, type, contentType, timestamp, headers: former } = message.properties
  const kept = Object.entries({ ...former, ...headers }).filter(
    ([name, value]) => value !== undefined && !brokersOwn.test(name),
  )
  return {
    exchange: '',
    routingKey,
    content: message.content,
    messageId: typeof messageId === 'string' && messageId !== '' ? messageId : randomUUID(),
    ...(typeof type === 'string' && { type }),
    ...(typeof contentType === 'string' && { contentType }),
    ...(typeof timestamp === 'number' && { timestamp }),
    headers: Object.fromEntries(kept),
  }
}

type Next = { queue: string; error: string } & ({ delayMs: number; attempt: number } | { reason: string })

/**
 * Puts a message on its retry queue, or on the dead-letter queue, and waits until the broker has it.
 * @throws Error when it is not stored for sure: then the original must not be acknowledged
 */
export const handOn = async (channel: ConfirmChannel, message: ConsumeMessage, next: Next): Promise<void> => {
  const { fields, properties } = message
  const known: unknown = properties.headers?.['x-event-type']
  const type: unknown = known ?? (fields.exchange === exchange ? fields.routingKey : properties.type)
  const failure = { 'x-error': next.error, 'x-event-type': type }
  const copy =
    'delayMs' in next
      ? {
          ...copyOf(message, retryQueue(next.queue, next.delayMs), { ...failure, 'x-attempt': next.attempt }),
          expiration: next.delayMs,
        }
      : copyOf(message, deadQueue(next.queue), {
          ...failure,
          'x-reason': next.reason,
          'x-dead-at': new Date().toISOString(),
        })
  const [outcome] = await publishAll(channel, [copy])
  if (outcome !== 'confirmed') throw new Error(`${copy.routingKey} did not take the message: ${outcome}`)
}
