import type { OrderIdBy } from '@clientele/contracts/order'
import { snake } from '@clientele/platform/data/column-name'
import type { Db, Tx } from '@clientele/platform/data/db'
import { isUuid } from '@clientele/platform/data/ids'
import { Problem } from '@clientele/platform/runtime/problem'
import type { OrderRow, Orders } from './order.model.ts'
import { type OrderLineRow, orderLineAttributes } from './order-line.model.ts'
import { readOrderNumber } from './order-number.ts'

/** How a request names an order: by id, or by its number. */
export type OrderKey = { key: string; idBy?: OrderIdBy | undefined }
/** An order with its lines in their order. */
export type WholeOrder = { row: OrderRow; lines: OrderLineRow[] }

const selectLines = `select ${orderLineAttributes.map((name) => `${snake(name)} as "${name}"`).join(', ')} from order_lines
where order_id = any($1::uuid[]) order by order_id, position`

const notFound = () => new Problem('not_found', { detail: 'there is no such order' })

export type OrderFinder = ReturnType<typeof createOrderFinder>

/** Reads orders and their lines. */
export const createOrderFinder = (db: Db, model: Orders) => {
  const look = async ({ key, idBy }: OrderKey, tx?: Tx): Promise<OrderRow> => {
    const byNumber = idBy === 'number'
    const value = byNumber ? readOrderNumber(key) : isUuid(key) ? key : undefined
    if (value === undefined) throw notFound()
    const row = await model.findOne({
      where: byNumber ? { number: value } : { id: value },
      raw: true,
      transaction: tx ?? db.requestTransaction() ?? null,
      ...(tx && { lock: true }),
    })
    if (!row) throw notFound()
    return row
  }

  /** The lines of several orders by one query. */
  const linesOf = async (ids: readonly string[], tx?: Tx): Promise<Map<string, OrderLineRow[]>> => {
    const found = new Map(ids.map((id): [string, OrderLineRow[]] => [id, []]))
    if (ids.length === 0) return found
    const rows = await db.query<OrderLineRow & { orderId: string }>(selectLines, [ids], { tx, name: 'order_lines' })
    for (const { orderId, ...line } of rows) found.get(orderId)?.push(line)
    return found
  }

  const whole = async (row: OrderRow, tx?: Tx): Promise<WholeOrder> => ({
    row,
    lines: (await linesOf([row.id], tx)).get(row.id) ?? [],
  })

  return {
    linesOf,

    /** @throws Problem 404 */
    get: async (key: OrderKey): Promise<WholeOrder> => whole(await look(key)),

    /** Locks up to `limit` orders of a customer, the oldest ones. */
    lockOfCustomer: (customerId: string, limit: number, tx: Tx): Promise<OrderRow[]> =>
      model.findAll({ where: { customerId }, order: ['id'], limit, lock: true, raw: true, transaction: tx }),

    /** Reads and locks until the end of `tx`. @throws Problem 404; 412 if `ifMatch` is another version */
    lock: async (key: OrderKey, tx: Tx, ifMatch: number | undefined): Promise<WholeOrder> => {
      const row = await look(key, tx)
      if (ifMatch !== undefined && ifMatch !== row.version)
        throw new Problem('precondition_failed', { detail: `the order is at version ${row.version}` })
      return whole(row, tx)
    },
  }
}
