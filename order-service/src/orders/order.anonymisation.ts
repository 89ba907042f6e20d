import { orderUpdated } from '@clientele/contracts/order'
import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { nextStamps } from '@clientele/platform/data/stamps'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import { literal } from 'sequelize'
import type { CustomerProjection } from '../customers/customer.projection.ts'
import type { PurgedCustomers } from '../customers/purged-customer.model.ts'
import type { OrderFinder } from './order.finder.ts'
import type { OrderRow, Orders } from './order.model.ts'
import { presentEventData } from './order.presenter.ts'
import type { OrderLineRow, OrderLines } from './order-line.model.ts'

type Deps = {
  db: Db
  finder: OrderFinder
  orders: Orders
  lines: OrderLines
  purged: PurgedCustomers
  customers: Pick<CustomerProjection, 'eraseName'>
}

const batchSize = 100
const intervalMs = 1_000
const actor = systemActor('order-service')

// Note, metadata and free text were typed by people and may contain personal data.
const clearedFields = { customerId: null, note: null, metadata: {} }
const removedText = 'removed'

/**
 * Removes the personal data of purged customers from their orders; the orders stay. Each transaction handles one batch of orders
 * of one customer, so the work can be interrupted and shared between replicas.
 */
export const createAnonymisation = ({ db, finder, orders, lines, purged, customers }: Deps) => {
  const anonymise = async (rows: OrderRow[], tx: Tx): Promise<void> => {
    const at = new Date()
    const ids = rows.map(({ id }) => id)
    // One statement updates all rows, so the database raises each version.
    const { version: _version, ...stamps } = nextStamps({ version: 0 }, actor, at)
    // The search text is written anew by its task.
    const next = { ...clearedFields, ...stamps, version: literal('version + 1'), searchText: null }
    await orders.update(next, { where: { id: ids }, transaction: tx })
    await lines.update({ description: removedText }, { where: { orderId: ids, productId: null }, transaction: tx })
    const linesOf = await finder.linesOf(ids, tx)
    const events = rows.map((row) => {
      const after: OrderRow = { ...row, ...clearedFields, ...nextStamps(row, actor, at) }
      const orderLines = linesOf.get(row.id) ?? []
      const change = { changed: changedFields(row, orderLines), previous: { customerId: row.customerId } }
      return orderUpdated.of(presentEventData(after, orderLines), actorRef(actor), change)
    })
    await outbox.add(tx, ...events)
  }

  const anonymiseBatch = (): Promise<boolean> =>
    db.transaction(async (tx) => {
      const lock = { order: ['customerId'], lock: true, skipLocked: true, raw: true, transaction: tx }
      const first = await purged.findOne(lock)
      if (!first) return false
      const { customerId } = first
      const rows = await finder.lockByCustomer(customerId, batchSize, tx)
      if (rows.length > 0) await anonymise(rows, tx)
      if (rows.length < batchSize) {
        // A replica of the previous release, which does not know the name, may have handled the purge.
        await customers.eraseName(customerId, tx)
        await purged.destroy({ where: { customerId }, transaction: tx })
      }
      return true
    })

  return async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted && (await anonymiseBatch()));
  }
}

// `changed` lists these fields, but `previous` holds only the customer's id: former texts may contain personal data.
const changedFields = (row: OrderRow, lines: readonly OrderLineRow[]): string[] => [
  'customerId',
  ...(row.note === null ? [] : ['note']),
  ...(Object.keys(row.metadata).length === 0 ? [] : ['metadata']),
  ...(lines.some(({ productId }) => productId === null) ? ['lines'] : []),
]

/** Runs the anonymisation every second. If no customer was purged, a run costs one query on an empty table. */
export const anonymisationTask = ({ log, run }: { log: Log; run: (signal: AbortSignal) => Promise<void> }): Task =>
  periodicTask({ name: 'order-anonymisation', intervalMs, log, runAtStart: true, run })
