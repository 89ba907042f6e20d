import type { OrderBatchItem, OrderBatchResult } from '@clientele/contracts/order'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { batchKey, runBatch } from '@clientele/platform/http/batch'
import { ifMatchOf } from '@clientele/platform/http/if-match'
import type { OrderService } from './order.service.ts'

type Orders = Pick<OrderService, 'fulfil' | 'cancel'>

/** Runs the items in order. Each is a transaction of its own. After `stopAt` no further one begins. */
export const batchOrders = (
  orders: Orders,
  items: readonly OrderBatchItem[],
  actor: Actor,
  stopAt: number,
): Promise<OrderBatchResult> =>
  runBatch(items, stopAt, async ({ op, version, ...ref }) => {
    const order = await orders[op](batchKey(ref, 'the order'), { actor, ifMatch: ifMatchOf(version) })
    return { status: 200, id: order.id, order }
  })
