import type { Channel } from 'amqplib'
import { exchange } from '../broker.ts'

/** Pauses before the second, third and fourth attempt, in milliseconds. */
export const retryDelays: readonly number[] = [1_000, 30_000, 600_000]

const label = (ms: number): string => {
  if (ms % 60_000 === 0) return `${ms / 60_000}m`
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`
}

/** Where events of `queue` wait for `delayMs`. */
export const retryQueue = (queue: string, delayMs: number): string => `${queue}.retry.${label(delayMs)}`
/** Where events of `queue` end that were tried in vain or cannot be read. */
export const deadQueue = (queue: string): string => `${queue}.dead`

// These never change: a broker refuses a queue declared with other arguments. Lengths and limits are policies.
const deadLettering = (to: string) => ({
  'x-queue-type': 'quorum',
  'x-dead-letter-exchange': '',
  'x-dead-letter-routing-key': to,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
})

/** Declares the main queue with its bindings, its retry queues and its dead-letter queue. */
export const declareQueues = async (
  channel: Channel,
  { queue, types, delays }: { queue: string; types: readonly string[]; delays: readonly number[] },
): Promise<void> => {
  await channel.assertExchange(exchange, 'topic', { durable: true })
  await channel.assertQueue(deadQueue(queue), { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  for (const delay of delays) {
    await channel.assertQueue(retryQueue(queue, delay), { durable: true, arguments: deadLettering(queue) })
  }
  await channel.assertQueue(queue, { durable: true, arguments: deadLettering(deadQueue(queue)) })
  for (const type of types) await channel.bindQueue(queue, exchange, type)
}
