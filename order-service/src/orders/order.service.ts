import type { Include } from '@clientele/contracts/customer-ref'
import { type Order, type OrderPatch, orderCancelled, orderFulfilled, orderUpdated } from '@clientele/contracts/order'
import type { Page } from '@clientele/contracts/page'
import { createCustomerInclusion, withCustomer } from '@clientele/features/customers/customer-inclusion'
import type { CustomerReader } from '@clientele/features/customers/customer-reader'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import { retryOnConflict } from '@clientele/platform/data/database-errors'
import type { Db, Tx } from '@clientele/platform/data/db'
import { nextStamps } from '@clientele/platform/data/stamps'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import type { IfMatch } from '@clientele/platform/http/if-match'
import { Problem } from '@clientele/platform/runtime/problem'
import { moveStock } from '../stock/stock.ts'
import { sumByProduct } from './order.cart.ts'
import { difference, patchedFields } from './order.change.ts'
import type { OrderFinder, OrderKey, WholeOrder } from './order.finder.ts'
import { orderList } from './order.list.ts'
import type { OrderRow, Orders } from './order.model.ts'
import type { Placement } from './order.placement.ts'
import { presentEventData, presentOrder } from './order.presenter.ts'
import type { OrderLineRow } from './order-line.model.ts'
import { formatOrderNumber } from './order-number.ts'

type Deps = {
  db: Db
  model: Orders
  finder: OrderFinder
  placement: Placement
  customerClient: CustomerReader
}

/** The actor of a request, and the version in its `If-Match`. */
type Access = { actor: Actor; ifMatch?: IfMatch }

const invalidState = (detail: string) => new Problem('invalid_state', { detail })

const restockChanges = (lines: readonly OrderLineRow[]) =>
  sumByProduct(lines.flatMap(({ productId, quantity }) => (productId === null ? [] : [{ productId, delta: quantity }])))

export type OrderService = ReturnType<typeof createOrderService>

export const createOrderService = ({ db, model, finder, placement, customerClient }: Deps) => {
  const includeCustomers = createCustomerInclusion(customerClient)

  /** Stores the next version of an order. */
  const save = async (
    row: OrderRow,
    changes: Partial<OrderRow>,
    actor: Actor,
    tx: Tx,
    at = new Date(),
  ): Promise<OrderRow> => {
    const stored = { ...changes, ...nextStamps(row, actor, at) }
    await model.update(stored, { where: { id: row.id }, transaction: tx })
    return { ...row, ...stored }
  }

  /** Locks an order and changes it. Every transaction locks the order before its products, so two of them cannot deadlock. */
  const change = (
    key: OrderKey,
    { ifMatch }: Access,
    edit: (order: WholeOrder, tx: Tx) => Promise<OrderRow>,
  ): Promise<Order> =>
    retryOnConflict(() =>
      db.transaction(async (tx) => {
        const order = await finder.lock(key, tx, ifMatch)
        return presentOrder({ ...order, row: await edit(order, tx) })
      }),
    )

  return {
    ...placement,

    list: async (query: Record<string, unknown>, actor: Actor, include?: Include): Promise<Page<Order>> => {
      const { rows, page } = await orderList.run(db, query, { actor })
      const [orders, customers] = await Promise.all([finder.complete(rows), includeCustomers(include, rows, actor)])
      return { data: orders.map((order) => withCustomer(presentOrder(order), customers)), page }
    },

    get: async (key: OrderKey, actor: Actor, include?: Include): Promise<Order> => {
      const order = await finder.get(key)
      return withCustomer(presentOrder(order), await includeCustomers(include, [order.row], actor))
    },

    update: (key: OrderKey, patch: OrderPatch, access: Access): Promise<Order> =>
      change(key, access, async ({ row, lines }, tx) => {
        const fields = patchedFields(row, patch)
        const changed = difference(row, fields)
        if (!changed) return row
        const next = await save(row, fields, access.actor, tx)
        await outbox.add(tx, orderUpdated.of(presentEventData(next, lines), actorRef(access.actor), changed))
        return next
      }),

    /** Cancels a placed order and restocks its products, even those in the trash. Repeated calls change nothing. */
    cancel: (key: OrderKey, access: Access): Promise<Order> =>
      change(key, access, async ({ row, lines }, tx) => {
        if (row.status === 'cancelled') return row
        if (row.status === 'fulfilled') throw invalidState('the order is fulfilled and cannot be cancelled')
        const at = new Date()
        const next = await save(row, { status: 'cancelled', cancelledAt: at }, access.actor, tx, at)
        const cancelled = orderCancelled.of(presentEventData(next, lines), actorRef(access.actor))
        const reason = `order ${formatOrderNumber(row.number)} cancelled`
        const changes = restockChanges(lines).map((each) => ({
          ...each,
          kind: 'cancellation' as const,
          reason,
          orderId: row.id,
        }))
        if (changes.length === 0) await outbox.add(tx, cancelled)
        else await moveStock(tx, changes, access.actor, { precedingEvents: [cancelled] })
        return next
      }),

    fulfil: (key: OrderKey, access: Access): Promise<Order> =>
      change(key, access, async ({ row, lines }, tx) => {
        if (row.status === 'fulfilled') return row
        if (row.status === 'cancelled') throw invalidState('the order is cancelled and cannot be fulfilled')
        const at = new Date()
        const next = await save(row, { status: 'fulfilled', fulfilledAt: at }, access.actor, tx, at)
        await outbox.add(tx, orderFulfilled.of(presentEventData(next, lines), actorRef(access.actor)))
        return next
      }),
  }
}
