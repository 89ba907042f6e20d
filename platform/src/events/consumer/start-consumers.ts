import pLimit from 'p-limit'
import { periodicTask } from '../../runtime/periodic-task.ts'
import type { Consumer, ConsumerParts } from './consumer.ts'
import { pruneInbox } from './inbox.ts'
import type { RunningConsumer } from './running-consumer.ts'

/**
 * Starts consumers; they connect to the broker in the background. With a database, old rows of the inbox are removed regularly.
 */
export const startConsumers = (consumers: readonly Consumer[], parts: ConsumerParts): RunningConsumer => {
  const { db, log } = parts
  // Half of the pool stays free for requests and for handlers that use a second connection.
  const limit = pLimit(Math.max(1, Math.floor((db?.sequelize.config.pool?.max ?? 10) / 2)))
  const running = consumers.map((each) => each.start({ limit, ...parts }))
  const queues = consumers.map(({ queue }) => queue)
  const inboxCleanup =
    db &&
    periodicTask({ name: 'inbox-cleanup', intervalMs: 600_000, log, run: (signal) => pruneInbox(db, queues, signal) })
  void inboxCleanup?.start()
  return {
    ready: async (timeoutMs) => void (await Promise.all(running.map((each) => each.ready(timeoutMs)))),
    stop: async (timeoutMs) => {
      await Promise.all([inboxCleanup?.stop(), ...running.map((each) => each.stop(timeoutMs))])
    },
  }
}
