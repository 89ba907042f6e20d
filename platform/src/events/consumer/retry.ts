import { randomUUID } from 'node:crypto'
import type { ConfirmChannel, ConsumeMessage, Message } from 'amqplib'
import { exchange, type OutgoingMessage, publishAll } from '../broker.ts'
import { deadQueue, queueExchange, retryQueue } from './queue-topology.ts'

const maxDeliveries = 20

/** Returns the integer in a header, or 0 without the header. */
export const numberHeader = ({ properties }: Message, name: string): number => {
  const value: unknown = properties.headers?.[name]
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : 0
}

/** Whether a message was delivered more than 20 times without an acknowledgement: its handler probably crashes the process. */
export const isCrashLoop = (message: ConsumeMessage): boolean =>
  numberHeader(message, 'x-delivery-count') > maxDeliveries

// Headers that the broker maintains. They are not copied, so its counts restart with each republish.
const brokerHeaders = /^(x-death|x-delivery-count|x-acquired-count|x-first-death-.*|x-last-death-.*)$/

/** Copies a message to publish it again. `headers` are added; a header that is undefined is removed. */
export const copyMessage = (
  message: Message,
  { exchange: to, routingKey }: Pick<OutgoingMessage, 'exchange' | 'routingKey'>,
  headers: Record<string, unknown>,
): OutgoingMessage => {
  const { messageId, type, contentType, timestamp, headers: original } = message.properties
  const copiedHeaders = Object.entries({ ...original, ...headers }).filter(
    ([name, value]) => value !== undefined && !brokerHeaders.test(name),
  )
  return {
    exchange: to,
    routingKey,
    content: message.content,
    messageId: typeof messageId === 'string' && messageId !== '' ? messageId : randomUUID(),
    ...(typeof type === 'string' && { type }),
    ...(typeof contentType === 'string' && { contentType }),
    ...(typeof timestamp === 'number' && { timestamp }),
    headers: Object.fromEntries(copiedHeaders),
  }
}

type Destination = { queue: string; error: string } & ({ delayMs: number; attempt: number } | { reason: string })

/**
 * Publishes a message to its retry queue or its dead-letter queue and waits for the confirm.
 * @throws Error if the broker did not confirm it; the original must not be acknowledged then
 */
export const republish = async (channel: ConfirmChannel, message: ConsumeMessage, to: Destination): Promise<void> => {
  const { fields, properties } = message
  const original: unknown = properties.headers?.['x-event-type']
  const type: unknown = original ?? (fields.exchange === exchange ? fields.routingKey : properties.type)
  const failure = { 'x-error': to.error, 'x-event-type': type }
  const target = (routingKey: string) => ({ exchange: queueExchange(to.queue), routingKey })
  const copy =
    'delayMs' in to
      ? {
          ...copyMessage(message, target(retryQueue(to.queue, to.delayMs)), { ...failure, 'x-attempt': to.attempt }),
          expiration: to.delayMs,
        }
      : copyMessage(message, target(deadQueue(to.queue)), {
          ...failure,
          'x-reason': to.reason,
          'x-dead-at': new Date().toISOString(),
        })
  const [outcome] = await publishAll(channel, [copy])
  if (outcome !== 'confirmed') throw new Error(`publishing to ${copy.routingKey} failed: ${outcome}`)
}
