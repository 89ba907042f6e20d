import type { Channel } from 'amqplib'
import { exchange } from '../broker.ts'
import type { Declare } from '../channel.ts'

/** Delays before the second, third and fourth attempt, in milliseconds. */
export const retryDelays: readonly number[] = [1_000, 30_000, 600_000]

const formatDelay = (ms: number): string => {
  if (ms % 60_000 === 0) return `${ms / 60_000}m`
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`
}

/** Returns the queue in which events of `queue` wait for `delayMs`, such as `customer-service.user-names.retry.30s`. */
export const retryQueue = (queue: string, delayMs: number): string => `${queue}.retry.${formatDelay(delayMs)}`
/** Returns the dead-letter queue of `queue`, such as `customer-service.user-names.dead`. */
export const deadQueue = (queue: string): string => `${queue}.dead`

/**
 * Returns the direct exchange of a service's own queues, such as `customer-service.queues`; the routing key is the name of a queue.
 * The accounts of services may not use the default exchange, because it reaches the queues of others.
 */
export const queueExchange = (queue: string): string => `${queue.split('.', 1)[0]}.queues`

// Queues that exist keep their arguments: those of older releases name the default exchange. Set length limits by policies.
const deadLetterArguments = (targetQueue: string) => ({
  'x-queue-type': 'quorum',
  'x-dead-letter-exchange': queueExchange(targetQueue),
  'x-dead-letter-routing-key': targetQueue,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
})

/** Declares the exchange of all events if no administrator has: see {@link Declare}. */
export const declareEventExchange = (declare: Declare): Promise<void> =>
  declare(
    (probe) => probe.checkExchange(exchange),
    (channel) => channel.assertExchange(exchange, 'topic', { durable: true }),
  )

type Queues = {
  queue: string
  /** Routing keys: event types, or `#` for all. */
  types: readonly string[]
  delays: readonly number[]
  /** Whether the broker delivers to one consumer only, while the others stand by. */
  hasSingleConsumer?: boolean
}

/** Declares the main queue with its bindings, its retry queues and its dead-letter queue. */
export const declareQueues = async (
  channel: Channel,
  declare: Declare,
  { queue, types, delays, hasSingleConsumer = false }: Queues,
): Promise<void> => {
  const own = queueExchange(queue)
  const declareQueue = async (name: string, queueArguments: Record<string, string | boolean>): Promise<void> => {
    await declare(
      (probe) => probe.checkQueue(name),
      (opened) => opened.assertQueue(name, { durable: true, arguments: queueArguments }),
    )
    await channel.bindQueue(name, own, name)
  }
  await declareEventExchange(declare)
  await channel.assertExchange(own, 'direct', { durable: true })
  await declareQueue(deadQueue(queue), { 'x-queue-type': 'quorum' })
  for (const delay of delays) await declareQueue(retryQueue(queue, delay), deadLetterArguments(queue))
  await declareQueue(queue, {
    ...deadLetterArguments(deadQueue(queue)),
    ...(hasSingleConsumer && { 'x-single-active-consumer': true }),
  })
  for (const type of types) await channel.bindQueue(queue, exchange, type)
}
