import type { ConsumeMessage } from 'amqplib'
import type { Db, Tx } from '../../data/database.ts'
import { isConnectionError } from '../../data/database-errors.ts'
import { DeadlineError, withTimeout } from '../../runtime/timeout.ts'
import type { Envelope } from '../envelope.ts'
import { firstTime, unsee } from './inbox.ts'

/** A message that could be read. */
export type Delivery = { event: Envelope; message: ConsumeMessage }

/** How the handling of an event ended; `left`: it was not begun. */
export type Handled = 'handled' | 'duplicate' | 'left' | { error: unknown }

type Options = {
  db: Db
  queue: string
  timeoutMs: number
  /** Runs the handler. */
  handle(delivery: Delivery, tx: Tx): Promise<unknown>
  ending(): boolean
}

// A slow handler shall not keep those behind it, nor the rows of those before it, waiting.
const longestMs = 200

/** Handles events once each: what a handler writes commits together with the note that the event was seen. */
export const createBatches = ({ db, queue, timeoutMs, handle, ending }: Options) => {
  const tooLong = `the transaction of ${queue} took too long`
  const limited = (delivery: Delivery, tx: Tx) =>
    withTimeout(timeoutMs, `handler of ${queue} took too long`, handle(delivery, tx))

  const alone = async (delivery: Delivery): Promise<Handled> => {
    const { id } = delivery.event
    const work = db.transaction(async (tx) => {
      if ((await firstTime(db, tx, queue, [id])).size === 0) return 'duplicate'
      await limited(delivery, tx)
      return 'handled'
    })
    return withTimeout(timeoutMs + 15_000, tooLong, work).catch((error: unknown) => ({ error }))
  }

  // A handler that fails is undone by itself; one that does not end may still write, so it takes the transaction with it.
  const inOne = async (deliveries: Delivery[], tx: Tx): Promise<Handled[]> => {
    const until = Date.now() + longestMs
    const fresh = await firstTime(
      db,
      tx,
      queue,
      deliveries.map(({ event }) => event.id),
    )
    const undone: string[] = []
    const results: Handled[] = []
    await db.query('savepoint event', [], { tx })
    for (const delivery of deliveries) {
      const { id } = delivery.event
      if (!fresh.delete(id.toLowerCase())) results.push('duplicate')
      else if (ending() || Date.now() > until) {
        undone.push(id)
        results.push('left')
      } else {
        try {
          await limited(delivery, tx)
          await db.query('release savepoint event; savepoint event', [], { tx })
          results.push('handled')
        } catch (error) {
          if (error instanceof DeadlineError || isConnectionError(error)) throw error
          await db.query('rollback to savepoint event', [], { tx })
          undone.push(id)
          results.push({ error })
        }
      }
    }
    await unsee(db, tx, queue, undone)
    return results
  }

  /** Handles events in order, in one transaction where that can be. Never rejects. @returns a result for each */
  return async (deliveries: Delivery[]): Promise<Handled[]> => {
    if (deliveries.length > 1) {
      const work = db.transaction((tx) => inOne(deliveries, tx))
      const results = await withTimeout(timeoutMs + longestMs + 15_000, tooLong, work).catch((error: unknown) =>
        isConnectionError(error) ? deliveries.map((): Handled => ({ error })) : undefined,
      )
      if (results) return results
    }
    const results: Handled[] = []
    for (const delivery of deliveries) results.push(ending() && results.length > 0 ? 'left' : await alone(delivery))
    return results
  }
}
