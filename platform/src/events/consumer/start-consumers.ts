import pLimit from 'p-limit'
import { every } from '../../runtime/periodic-task.ts'
import type { Consumer, ConsumerParts } from './consumer.ts'
import { forgetOldEvents } from './inbox.ts'
import type { Running } from './running.ts'

/** Starts consumers; they wait for the broker by themselves. With a database, forgets events seen more than 14 days ago. */
export const startConsumers = (consumers: readonly Consumer[], parts: ConsumerParts): Running => {
  const { db, log } = parts
  // Requests, and handlers that read on a second connection, must not starve while many events are handled.
  const limit = pLimit(Math.max(1, Math.floor((db?.sequelize.config.pool?.max ?? 10) / 2)))
  const running = consumers.map((each) => each.start({ limit, ...parts }))
  const queues = consumers.map(({ queue }) => queue)
  const housekeeping =
    db && every({ name: 'inbox', intervalMs: 600_000, log, run: (signal) => forgetOldEvents(db, queues, signal) })
  void housekeeping?.start()
  return {
    ready: async (timeoutMs) => void (await Promise.all(running.map((each) => each.ready(timeoutMs)))),
    stop: async (deadlineMs) => {
      await Promise.all([housekeeping?.stop(), ...running.map((each) => each.stop(deadlineMs))])
    },
  }
}
