import type { EventType } from '@clientele/contracts/event'
import pLimit, { type LimitFunction } from 'p-limit'
import type { z } from 'zod'
import type { Db, Tx } from '../../data/db.ts'
import type { Log } from '../../runtime/log.ts'
import type { Broker } from '../broker.ts'
import { runQueue } from './consume-queue.ts'
import { retryDelays } from './queue-topology.ts'
import type { Running } from './running.ts'

/** The parsed envelope of one of the event types `E`. */
export type EventOf<E extends EventType> = E extends { schema: z.ZodType<infer Envelope> } ? Envelope : never

/** What consumers run on; `limit` bounds how many handlers run at once in all of them. */
export type ConsumerParts = { broker: Broker; service: string; log: Log; db?: Db; limit?: LimitFunction }

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
  /**
   * Events held at the same time, at most; those of one subject are handled one after the other, and several in one transaction
   * where many wait. Default 100; 1 where a handler takes long.
   */
  prefetch?: number
  /** Pauses before each further attempt; then the event is a dead letter. Default 1 s, 30 s, 10 min. */
  delays?: readonly number[]
  /** Default 30 s. */
  timeoutMs?: number
  /**
   * Whether an event means anything here, told by the event alone; default all do. Others cost neither a transaction nor a note
   * that they were seen.
   */
  concerns?(event: EventOf<E>): boolean
  /**
   * Runs once per event: what it writes through `tx` commits together with the note that the event was seen. Retries
   * disturb the order, so ignore an event whose `data.version` is not newer than what is stored.
   */
  handle(event: EventOf<E>, tx: Tx): Promise<unknown> | unknown
}

/** Declares a durable consumer: queue, retries and dead letters are there once the service starts. */
export const consumer = <E extends EventType>({
  queue,
  events,
  handle,
  concerns = () => true,
  ...options
}: ConsumerOptions<E>): Consumer => ({
  queue,
  events,
  start: ({ broker, log, db, limit = pLimit(5) }) => {
    if (!db) throw new Error(`consumer ${queue} needs a database`)
    const { prefetch = 100, delays = retryDelays, timeoutMs = 30_000 } = options
    // The schema that parsed the envelope is one of `events`.
    const run = (event: unknown, tx: Tx) => handle(event as EventOf<E>, tx)
    const isWanted = (event: unknown) => concerns(event as EventOf<E>)
    return runQueue({
      queue,
      events,
      prefetch,
      delays,
      timeoutMs,
      concerns: isWanted,
      handle: run,
      broker,
      log,
      db,
      limit,
    })
  },
})
