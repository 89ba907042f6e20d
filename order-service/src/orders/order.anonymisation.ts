import { orderUpdated } from '@clientele/contracts/order'
import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { nextStamps } from '@clientele/platform/data/stamps'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import type { Log } from '@clientele/platform/runtime/log'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'
import { literal } from 'sequelize'
import type { PurgedCustomers } from '../customers/purged-customer.model.ts'
import type { OrderFinder } from './order.finder.ts'
import type { OrderRow, Orders } from './order.model.ts'
import { presentOrder } from './order.presenter.ts'
import type { OrderLineRow, OrderLines } from './order-line.model.ts'

type Deps = { db: Db; finder: OrderFinder; orders: Orders; lines: OrderLines; purged: PurgedCustomers }

const batchSize = 100
const intervalMs = 1_000
const actor = systemActor('order-service')

// What people typed may name a person.
const emptied = { customerId: null, note: null, metadata: {} }
const blankText = 'removed'

/**
 * Removes purged customers from their orders, which stay. Each transaction takes one batch, so that it can be interrupted, and
 * replicas share the work.
 */
export const createAnonymisation = ({ db, finder, orders, lines, purged }: Deps) => {
  const anonymise = async (rows: OrderRow[], tx: Tx): Promise<void> => {
    const at = new Date()
    const ids = rows.map(({ id }) => id)
    const { version: _version, ...stamps } = nextStamps({ version: 0 }, actor, at)
    const next = { ...emptied, ...stamps, version: literal('version + 1') }
    await orders.update(next, { where: { id: ids }, transaction: tx })
    await lines.update({ description: blankText }, { where: { orderId: ids, productId: null }, transaction: tx })
    const linesOf = await finder.linesOf(ids, tx)
    const events = rows.map((row) => {
      const after: OrderRow = { ...row, ...emptied, ...nextStamps(row, actor, at) }
      const its = linesOf.get(row.id) ?? []
      const change = { changed: changedOf(row, its), previous: { customerId: row.customerId } }
      return orderUpdated.of(presentOrder(after, its), actorRef(actor), change)
    })
    await outbox.add(tx, ...events)
  }

  const step = (): Promise<boolean> =>
    db.transaction(async (tx) => {
      const lock = { order: ['customerId'], lock: true, skipLocked: true, raw: true, transaction: tx }
      const first = await purged.findOne(lock)
      if (!first) return false
      const { customerId } = first
      const rows = await finder.lockOfCustomer(customerId, batchSize, tx)
      if (rows.length > 0) await anonymise(rows, tx)
      if (rows.length < batchSize) await purged.destroy({ where: { customerId }, transaction: tx })
      return true
    })

  return async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted && (await step()));
  }
}

// Of the former values, events contain only the customer's id.
const changedOf = (row: OrderRow, lines: readonly OrderLineRow[]): string[] => [
  'customerId',
  ...(row.note === null ? [] : ['note']),
  ...(Object.keys(row.metadata).length === 0 ? [] : ['metadata']),
  ...(lines.some(({ productId }) => productId === null) ? ['lines'] : []),
]

/** Looks for purged customers: if there is none, it reads one row of an empty table. */
export const anonymisationTask = ({ log, run }: { log: Log; run: (signal: AbortSignal) => Promise<void> }): Task =>
  every({ name: 'orders-forget-customers', intervalMs, log, runAtStart: true, run })
