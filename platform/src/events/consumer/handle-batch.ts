import type { ConsumeMessage } from 'amqplib'
import type { Db, Tx } from '../../data/database.ts'
import { isConnectionError } from '../../data/database-errors.ts'
import { TimeoutError, withTimeout } from '../../runtime/timeout.ts'
import type { Envelope } from '../envelope.ts'
import { claimNew, release } from './inbox.ts'

/** A message and its parsed event. */
export type Delivery = { event: Envelope; message: ConsumeMessage }

/** The result of handling an event. `deferred`: the handler was not started. */
export type HandlingResult = 'handled' | 'duplicate' | 'deferred' | { error: unknown }

type Options = {
  db: Db
  queue: string
  timeoutMs: number
  /** Runs the consumer's handler with its log and trace. */
  handle(delivery: Delivery, tx: Tx): Promise<unknown>
  /** The same for several events at once, if the consumer has such a handler. */
  handleAll?: ((deliveries: Delivery[], tx: Tx) => Promise<unknown>) | undefined
  isStopping(): boolean
}

// No further handler starts in a transaction after this time, so that finished events are committed soon and row locks stay short.
const maxBatchMs = 200

/** Handles each event once: what a handler writes commits together with the event's row in the inbox. */
export const createBatchHandler = ({ db, queue, timeoutMs, handle, handleAll, isStopping }: Options) => {
  const transactionTimeout = `transaction of ${queue} timed out`
  const handlerTimeout = `handler of ${queue} timed out`
  const handleWithTimeout = (delivery: Delivery, tx: Tx) => withTimeout(timeoutMs, handlerTimeout, handle(delivery, tx))
  const claim = (deliveries: Delivery[], tx: Tx) =>
    claimNew(
      db,
      tx,
      queue,
      deliveries.map(({ event }) => event.id),
    )

  const handleAlone = async (delivery: Delivery): Promise<HandlingResult> => {
    const { id } = delivery.event
    const work = db.transaction(async (tx) => {
      if ((await claimNew(db, tx, queue, [id])).size === 0) return 'duplicate'
      await handleWithTimeout(delivery, tx)
      return 'handled'
    })
    return withTimeout(timeoutMs + 15_000, transactionTimeout, work).catch((error: unknown) => ({ error }))
  }

  // A handler that fails is rolled back to its savepoint. A handler that times out may still write, so the whole transaction is
  // rolled back.
  const handleTogether = async (deliveries: Delivery[], tx: Tx): Promise<HandlingResult[]> => {
    const deadline = Date.now() + maxBatchMs
    const claimed = await claim(deliveries, tx)
    const released: string[] = []
    const results: HandlingResult[] = []
    await db.query('savepoint event', [], { tx })
    for (const delivery of deliveries) {
      const { id } = delivery.event
      if (!claimed.delete(id.toLowerCase())) results.push('duplicate')
      else if (isStopping() || Date.now() > deadline) {
        released.push(id)
        results.push('deferred')
      } else {
        try {
          await handleWithTimeout(delivery, tx)
          await db.query('release savepoint event; savepoint event', [], { tx })
          results.push('handled')
        } catch (error) {
          if (error instanceof TimeoutError || isConnectionError(error)) throw error
          await db.query('rollback to savepoint event', [], { tx })
          released.push(id)
          results.push({ error })
        }
      }
    }
    await release(db, tx, queue, released)
    return results
  }

  const handleInOneCall = async (
    deliveries: Delivery[],
    tx: Tx,
    call: NonNullable<Options['handleAll']>,
  ): Promise<HandlingResult[]> => {
    const claimed = await claim(deliveries, tx)
    const unhandled = new Set(deliveries.filter(({ event }) => claimed.delete(event.id.toLowerCase())))
    if (unhandled.size > 0) await withTimeout(timeoutMs, handlerTimeout, call([...unhandled], tx))
    return deliveries.map((delivery) => (unhandled.has(delivery) ? 'handled' : 'duplicate'))
  }

  /**
   * Handles events in order, in one transaction if possible, else each in its own. Never rejects.
   * @returns one result per event
   */
  return async (deliveries: Delivery[]): Promise<HandlingResult[]> => {
    if (deliveries.length > 1) {
      const work = db.transaction((tx) =>
        handleAll ? handleInOneCall(deliveries, tx, handleAll) : handleTogether(deliveries, tx),
      )
      const results = await withTimeout(timeoutMs + maxBatchMs + 15_000, transactionTimeout, work).catch(
        (error: unknown) => (isConnectionError(error) ? deliveries.map((): HandlingResult => ({ error })) : undefined),
      )
      if (results) return results
    }
    const results: HandlingResult[] = []
    for (const delivery of deliveries)
      results.push(isStopping() && results.length > 0 ? 'deferred' : await handleAlone(delivery))
    return results
  }
}
