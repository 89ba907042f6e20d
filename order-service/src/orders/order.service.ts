import { type Order, type OrderPatch, orderCancelled, orderFulfilled, orderUpdated } from '@clientele/contracts/order'
import type { Page } from '@clientele/contracts/page'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import { retryOnConflict } from '@clientele/platform/data/database-errors'
import type { Db, Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { Problem } from '@clientele/platform/runtime/problem'
import { moveStock } from '../stock/stock.ts'
import { byProduct } from './order.cart.ts'
import { difference, patchedFields } from './order.change.ts'
import type { Finder, OrderKey, WholeOrder } from './order.finder.ts'
import { orderList } from './order.list.ts'
import { type OrderLineRow, type OrderRow, orderNumber } from './order.model.ts'
import type { Placing } from './order.placing.ts'
import { presentOrder } from './order.presenter.ts'
import { update, updateValues } from './order.statements.ts'

type Deps = { db: Db; finder: Finder; placing: Placing }

/** Who asks, and the version that they know of. */
type Access = { actor: Actor; ifMatch?: number | undefined }

const invalidState = (detail: string) => new Problem('invalid_state', { detail })

const stamped = (row: OrderRow, { id, displayName }: Actor, at = new Date()) => ({
  ...row,
  updatedAt: at,
  updatedBy: id,
  updatedByName: displayName,
  version: row.version + 1,
})

const restocked = (lines: readonly OrderLineRow[]) =>
  byProduct(lines.flatMap(({ productId, quantity }) => (productId === null ? [] : [{ productId, delta: quantity }])))

export type OrderService = ReturnType<typeof createOrderService>

export const createOrderService = ({ db, finder, placing }: Deps) => {
  const save = (row: OrderRow, tx: Tx) => db.query(update, updateValues(row), { tx, name: 'order_update' })

  /** Locks an order and changes it; the order comes first and its products after it, as everywhere. */
  const change = (
    key: OrderKey,
    { ifMatch }: Access,
    edit: (order: WholeOrder, tx: Tx) => Promise<OrderRow>,
  ): Promise<Order> =>
    retryOnConflict(() =>
      db.transaction(async (tx) => {
        const order = await finder.lock(key, tx, ifMatch)
        return presentOrder(await edit(order, tx), order.lines)
      }),
    )

  return {
    ...placing,

    list: async (query: Record<string, unknown>, actor: Actor): Promise<Page<Order>> => {
      const { rows, page } = await orderList.run(db, query, { actor })
      const lines = await finder.linesOf(rows.map(({ id }) => id))
      return { data: rows.map((row) => presentOrder(row, lines.get(row.id) ?? [])), page }
    },

    get: async (key: OrderKey): Promise<Order> => {
      const { row, lines } = await finder.get(key)
      return presentOrder(row, lines)
    },

    patch: (key: OrderKey, patch: OrderPatch, access: Access): Promise<Order> =>
      change(key, access, async ({ row, lines }, tx) => {
        const fields = patchedFields(row, patch)
        const changed = difference(row, fields)
        if (!changed) return row
        const next = { ...stamped(row, access.actor), ...fields }
        await save(next, tx)
        await outbox.add(tx, orderUpdated.of(presentOrder(next, lines), actorRef(access.actor), changed))
        return next
      }),

    /** Takes a placed order back, once: what was ordered is in stock again, also of products that are archived by now. */
    cancel: (key: OrderKey, access: Access): Promise<Order> =>
      change(key, access, async ({ row, lines }, tx) => {
        if (row.status === 'cancelled') return row
        if (row.status === 'fulfilled') throw invalidState('the order is fulfilled and cannot be cancelled')
        const at = new Date()
        const next: OrderRow = { ...stamped(row, access.actor, at), status: 'cancelled', cancelledAt: at }
        await save(next, tx)
        const told = orderCancelled.of(presentOrder(next, lines), actorRef(access.actor))
        const reason = `order ${orderNumber(row.number)} cancelled`
        const changes = restocked(lines).map((each) => ({
          ...each,
          kind: 'cancellation' as const,
          reason,
          orderId: row.id,
        }))
        if (changes.length === 0) await outbox.add(tx, told)
        else await moveStock(tx, changes, access.actor, { also: [told] })
        return next
      }),

    fulfil: (key: OrderKey, access: Access): Promise<Order> =>
      change(key, access, async ({ row, lines }, tx) => {
        if (row.status === 'fulfilled') return row
        if (row.status === 'cancelled') throw invalidState('the order is cancelled and cannot be fulfilled')
        const at = new Date()
        const next: OrderRow = { ...stamped(row, access.actor, at), status: 'fulfilled', fulfilledAt: at }
        await save(next, tx)
        await outbox.add(tx, orderFulfilled.of(presentOrder(next, lines), actorRef(access.actor)))
        return next
      }),
  }
}
