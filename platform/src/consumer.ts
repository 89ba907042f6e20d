import type { EventType } from '@clientele/contracts/event'
import type { z } from 'zod'
import type { Broker } from './broker.ts'
import { retryDelays } from './consumer-queues.ts'
import { runQueue } from './consumer-run.ts'
import type { Db, Tx } from './db.ts'
import { every } from './every.ts'
import { forgetOldEvents } from './inbox.ts'
import { createGate, type Gate } from './lanes.ts'
import type { Log } from './log.ts'
import { runSubscription } from './subscription-run.ts'

/** The parsed envelope of one of the event types `E`. */
export type EventOf<E extends EventType> = E extends { schema: z.ZodType<infer Envelope> } ? Envelope : never

/** What consumers run on; `gate` bounds how many handlers run at once in all of them. */
export type ConsumerParts = { broker: Broker; service: string; log: Log; db?: Db; gate?: Gate }

/** Something running: `ready` rejects when it does not receive events within `timeoutMs`; `stop` lets running handlers end. */
export type Running = { ready(timeoutMs: number): Promise<void>; stop(deadlineMs?: number): Promise<void> }

/** A declared consumer; a service starts it. */
export type Consumer = {
  queue: string
  events: readonly EventType[]
  start(parts: ConsumerParts): Running
}

/** Times are milliseconds. */
export type ConsumerOptions<E extends EventType> = {
  /** `<service>.<purpose>`; it never changes, or events would be left in the old one. */
  queue: string
  events: readonly E[]
  /** Events worked on at the same time, at most; those of one subject one after the other. Default 20. */
  prefetch?: number
  /** Pauses before each further attempt; then the event is a dead letter. Default 1 s, 30 s, 10 min. */
  delays?: readonly number[]
  /** Default 30 s. */
  timeoutMs?: number
  /**
   * Runs once per event: what it writes through `tx` commits together with the note that the event was seen. Retries
   * disturb the order, so ignore an event whose `data.version` is not newer than what is stored.
   */
  handle(event: EventOf<E>, tx: Tx): Promise<unknown> | unknown
}

/** Declares a durable consumer: queue, retries and dead letters are there once the service starts. */
export const consumer = <E extends EventType>({ queue, events, handle, ...options }: ConsumerOptions<E>): Consumer => ({
  queue,
  events,
  start: ({ broker, log, db, gate = (work) => work() }) => {
    if (!db) throw new Error(`consumer ${queue} needs a database`)
    const { prefetch = 20, delays = retryDelays, timeoutMs = 30_000 } = options
    // The schema that parsed the envelope is one of `events`.
    const run = (event: unknown, tx: Tx) => handle(event as EventOf<E>, tx)
    return runQueue({ queue, events, prefetch, delays, timeoutMs, handle: run, broker, log, db, gate })
  },
})

/** Declares a subscription: every process gets every event from when it is connected, none from before, and none again. */
export const subscription = <E extends EventType>(options: {
  /** `<service>.<purpose>`; each process adds something of its own. */
  name: string
  events: readonly E[]
  handle(event: EventOf<E>): Promise<unknown> | unknown
  /** Called whenever events begin to arrive: read here what was missed. Repeated until it succeeds. */
  onConnected?(): Promise<unknown> | unknown
}): Consumer => ({
  queue: options.name,
  events: options.events,
  start: ({ broker, log }) => {
    const { name, events, handle, onConnected = () => {} } = options
    return runSubscription({ name, events, handle: (event) => handle(event as EventOf<E>), onConnected, broker, log })
  },
})

/** Starts consumers; they wait for the broker by themselves. With a database, forgets events seen more than 14 days ago. */
export const startConsumers = (consumers: readonly Consumer[], parts: ConsumerParts): Running => {
  const { db, log } = parts
  // Requests, and handlers that read on a second connection, must not starve while many events are handled.
  const gate = createGate(Math.max(1, Math.floor((db?.sequelize.config.pool?.max ?? 10) / 2)))
  const running = consumers.map((each) => each.start({ gate, ...parts }))
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
