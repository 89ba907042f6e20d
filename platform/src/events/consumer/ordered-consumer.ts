import type { EventType } from '@clientele/contracts/event'
import type { Tx } from '../../data/db.ts'
import { consumeInOrder } from './consume-in-order.ts'
import type { Consumer } from './consumer.ts'
import type { OrderedBatch } from './received-event.ts'

export type { OrderedBatch, ReceivedEvent } from './received-event.ts'

/**
 * Declares a consumer of every event in the order of its queue. One process of all replicas consumes, and the others stand by. All
 * messages that wait, at most `prefetch`, are one call: what `handle` writes through `tx` commits together with the events' rows in the
 * inbox. If it fails, the same messages are handled again after a pause that grows from 0.1 s to 10 s, and later ones wait, because
 * a retry queue would change the order.
 */
export const orderedConsumer = (options: {
  /** `<service>.<purpose>`. Never rename it: events would stay in the old queue. */
  queue: string
  /** The event types of this release, for its documents. */
  events: readonly EventType[]
  /** Default 500. */
  prefetch?: number
  handle(batch: OrderedBatch, tx: Tx): Promise<unknown>
  /** Called after the commit of a batch. */
  onCommitted?(): void
}): Consumer => ({
  queue: options.queue,
  events: options.events,
  start: ({ broker, log, db }) => {
    const { queue, prefetch = 500, handle, onCommitted = () => {} } = options
    if (!db) throw new Error(`consumer ${queue} needs a database`)
    return consumeInOrder({ queue, prefetch, handle, onCommitted, broker, log, db })
  },
})
