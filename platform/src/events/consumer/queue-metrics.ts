import type { Channel } from 'amqplib'
import type { Log } from '../../runtime/log.ts'
import { periodicTask, type Task } from '../../runtime/periodic-task.ts'
import { gauge } from '../../runtime/telemetry.ts'
import { deadQueue, retryQueue } from './queue-topology.ts'

const intervalMs = 10_000

type Options = {
  queue: string
  delays: readonly number[]
  log: Log
  /** The consumer's own channel. If a queue was deleted, the check closes the channel, and all queues are declared again. */
  channel: () => Channel | undefined
}

/**
 * Measures the length of a consumer's queues over AMQP, which also works with brokers that do not expose RabbitMQ's own
 * metrics. Without a channel the gauges have no values.
 */
export const createQueueMetrics = ({ queue, delays, log, channel }: Options): Task & { measure(): Promise<void> } => {
  const messages = gauge('queue_messages', 'Messages that are ready in a queue, as reported by the broker', ['queue'])
  const consumers = gauge('queue_consumers', 'Consumers of a queue, as reported by the broker', ['queue'])
  const otherQueues = [...delays.map((delay) => retryQueue(queue, delay)), deadQueue(queue)]

  const clear = (): void => {
    consumers.remove({ queue })
    for (const name of [queue, ...otherQueues]) messages.remove({ queue: name })
  }

  const measure = async (): Promise<void> => {
    const open = channel()
    if (!open) return clear()
    try {
      const main = await open.checkQueue(queue)
      consumers.set({ queue }, main.consumerCount)
      messages.set({ queue }, main.messageCount)
      for (const name of otherQueues) messages.set({ queue: name }, (await open.checkQueue(name)).messageCount)
    } catch (error) {
      clear()
      log.debug({ err: error }, 'queue length unknown')
    }
  }

  return { ...periodicTask({ name: 'queue-metrics', intervalMs, log, run: measure }), measure }
}
