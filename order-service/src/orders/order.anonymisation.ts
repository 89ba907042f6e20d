import { orderUpdated } from '@clientele/contracts/order'
import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import type { Log } from '@clientele/platform/runtime/log'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'
import type { Finder } from './order.finder.ts'
import type { OrderLineRow, OrderRow } from './order.model.ts'
import { presentOrder } from './order.presenter.ts'

const slice = 100
const intervalMs = 1_000
const actor = systemActor('order-service')

const next = `select customer_id as "customerId" from customers_to_forget order by customer_id limit 1 for update skip locked`
const done = 'delete from customers_to_forget where customer_id = $1'

// What people typed may name a person.
const emptied = `update orders set customer_id = null, note = null, metadata = '{}',
  updated_at = $2, updated_by = $3, updated_by_name = $4, version = version + 1 where id = any($1::uuid[])`
const blankText = 'removed'
const blanked = 'update order_lines set description = $2 where order_id = any($1::uuid[]) and product_id is null'

/**
 * Takes a purged customer off its orders, which stay. A slice a transaction, so it bears being cut short, and replicas share
 * the work.
 */
export const createForgetting = ({ db, finder }: { db: Db; finder: Finder }) => {
  const forget = async (rows: OrderRow[], tx: Tx): Promise<void> => {
    const at = new Date()
    const ids = rows.map(({ id }) => id)
    await db.query(emptied, [ids, at.toISOString(), actor.id, actor.displayName], { tx })
    await db.query(blanked, [ids, blankText], { tx })
    const lines = await finder.linesOf(ids, tx)
    const events = rows.map((row) => {
      const after: OrderRow = {
        ...row,
        ...{ customerId: null, note: null, metadata: {}, updatedAt: at, version: row.version + 1 },
        ...{ updatedBy: actor.id, updatedByName: actor.displayName },
      }
      const change = { changed: changedOf(row, lines.get(row.id) ?? []), previous: { customerId: row.customerId } }
      return orderUpdated.of(presentOrder(after, lines.get(row.id) ?? []), actorRef(actor), change)
    })
    await outbox.add(tx, ...events)
  }

  const step = (): Promise<boolean> =>
    db.transaction(async (tx) => {
      const [first] = await db.query<{ customerId: string }>(next, [], { tx })
      if (!first) return false
      const rows = await finder.lockOfCustomer(first.customerId, slice, tx)
      if (rows.length > 0) await forget(rows, tx)
      if (rows.length < slice) await db.query(done, [first.customerId], { tx })
      return true
    })

  return async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted && (await step()));
  }
}

// What it was is told of nothing but the customer's id.
const changedOf = (row: OrderRow, lines: readonly OrderLineRow[]): string[] => [
  'customerId',
  ...(row.note === null ? [] : ['note']),
  ...(Object.keys(row.metadata).length === 0 ? [] : ['metadata']),
  ...(lines.some(({ productId }) => productId === null) ? ['lines'] : []),
]

/** Looks for purged customers: with none it reads one row of an empty table. */
export const forgettingTask = ({ log, run }: { log: Log; run: (signal: AbortSignal) => Promise<void> }): Task =>
  every({ name: 'orders-forget-customers', intervalMs, log, runAtStart: true, run })
