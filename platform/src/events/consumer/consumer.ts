import type { EventType } from '@clientele/contracts/event'
import pLimit, { type LimitFunction } from 'p-limit'
import type { z } from 'zod'
import type { Db, Tx } from '../../data/db.ts'
import type { Log } from '../../runtime/log.ts'
import type { Broker } from '../broker.ts'
import { consumeQueue } from './consume-queue.ts'
import { retryDelays } from './queue-topology.ts'
import type { RunningConsumer } from './running-consumer.ts'

/** The parsed envelope of one of the event types `E`. */
export type EventOf<E extends EventType> = E extends { schema: z.ZodType<infer Envelope> } ? Envelope : never

/** The parts of the process that consumers use. `limit` bounds how many handlers run at once across all consumers. */
export type ConsumerParts = { broker: Broker; service: string; log: Log; db?: Db; limit?: LimitFunction }

/** A declared consumer. The service starts it. */
export type Consumer = {
  queue: string
  events: readonly EventType[]
  start(parts: ConsumerParts): RunningConsumer
}

/**
 * The handler of a consumer: `handle` for one event, or `handleAll` for all events that wait, in their order. It runs once per event:
 * what it writes through `tx` commits together with the events' rows in the inbox. Retries can change the order, so ignore an event
 * whose `data.version` is not newer than what is stored. If `handleAll` fails, it is called again for each event alone.
 */
type Handler<E extends EventType> =
  | { handle(event: EventOf<E>, tx: Tx): Promise<unknown> | unknown; handleAll?: never }
  | { handleAll(events: EventOf<E>[], tx: Tx): Promise<unknown>; handle?: never }

/** Times are milliseconds. */
export type ConsumerOptions<E extends EventType> = Handler<E> & {
  /** `<service>.<purpose>`. Never rename it: events would stay in the old queue. */
  queue: string
  events: readonly E[]
  /**
   * The maximum number of unacknowledged events. Events of one subject are handled in order; if many wait, several share one
   * transaction. Default 100. Use 1 for a slow handler.
   */
  prefetch?: number
  /** Delays before the retries. After the last one the event becomes a dead letter. Default 1 s, 30 s, 10 min. */
  delays?: readonly number[]
  /** Timeout of one call of the handler. Default 30 s. */
  timeoutMs?: number
  /**
   * Returns false for events to skip, judging by the event alone. A skipped event costs neither a transaction nor a row in the
   * inbox. By default no event is skipped.
   */
  filter?(event: EventOf<E>): boolean
}

/** Declares a durable consumer. Its queue, retry queues and dead-letter queue are declared when the service starts. */
export const consumer = <E extends EventType>({
  queue,
  events,
  handle,
  handleAll,
  filter: accepts = () => true,
  ...options
}: ConsumerOptions<E>): Consumer => ({
  queue,
  events,
  start: ({ broker, log, db, limit = pLimit(5) }) => {
    if (!db) throw new Error(`consumer ${queue} needs a database`)
    const { prefetch = 100, delays = retryDelays, timeoutMs = 30_000 } = options
    // The schema that parsed the envelope is one of `events`.
    const runAll = handleAll && ((all: unknown[], tx: Tx) => handleAll(all as EventOf<E>[], tx))
    const run = (event: unknown, tx: Tx) => (runAll ? runAll([event], tx) : handle?.(event as EventOf<E>, tx))
    const filter = (event: unknown) => accepts(event as EventOf<E>)
    return consumeQueue({
      queue,
      events,
      prefetch,
      delays,
      timeoutMs,
      filter,
      handle: run,
      handleAll: runAll,
      broker,
      log,
      db,
      limit,
    })
  },
})
