import type { Channel } from 'amqplib'
import type { Log } from '../../runtime/log.ts'
import { every, type Task } from '../../runtime/periodic-task.ts'
import { gauge } from '../../runtime/telemetry.ts'
import { deadQueue, retryQueue } from './queue-topology.ts'

const intervalMs = 10_000

type Options = {
  queue: string
  delays: readonly number[]
  log: Log
  /** The consumer's own channel: where somebody deleted a queue, asking closes it, and all are declared again. */
  channel: () => Channel | undefined
}

/**
 * Asks the broker how much waits in a consumer's queues, by AMQP: brokers that do not show RabbitMQ's own metrics answer that,
 * too. While nobody can be asked nothing is told.
 */
export const queueDepths = ({ queue, delays, log, channel }: Options): Task & { measure(): Promise<void> } => {
  const messages = gauge('queue_messages', 'Events that are ready in a queue, as the broker says', ['queue'])
  const consumers = gauge('queue_consumers', 'Consumers of a queue, as the broker says', ['queue'])
  const others = [...delays.map((delay) => retryQueue(queue, delay)), deadQueue(queue)]

  const forget = (): void => {
    consumers.remove({ queue })
    for (const name of [queue, ...others]) messages.remove({ queue: name })
  }

  const measure = async (): Promise<void> => {
    const open = channel()
    if (!open) return forget()
    try {
      const main = await open.checkQueue(queue)
      consumers.set({ queue }, main.consumerCount)
      messages.set({ queue }, main.messageCount)
      for (const name of others) messages.set({ queue: name }, (await open.checkQueue(name)).messageCount)
    } catch (error) {
      forget()
      log.debug({ err: error }, 'the broker did not say how much waits')
    }
  }

  return { ...every({ name: 'queue-depths', intervalMs, log, run: measure }), measure }
}
