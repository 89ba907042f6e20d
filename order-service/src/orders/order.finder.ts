import type { CustomerRef } from '@clientele/contracts/customer-ref'
import type { OrderIdBy } from '@clientele/contracts/order'
import { columnName } from '@clientele/platform/data/column-name'
import type { Db, Tx } from '@clientele/platform/data/db'
import { isUuid } from '@clientele/platform/data/ids'
import type { UserNames } from '@clientele/platform/data/user-names'
import { type IfMatch, requireVersion } from '@clientele/platform/http/if-match'
import { Problem } from '@clientele/platform/runtime/problem'
import type { CustomerProjection } from '../customers/customer.projection.ts'
import { type OrderRow, type Orders, orderAttributes } from './order.model.ts'
import { type OrderLineRow, orderLineAttributes } from './order-line.model.ts'
import { parseOrderNumber } from './order-number.ts'

/** The key of an order in a request: its id, or its number if `idBy` says so. */
export type OrderKey = { key: string; idBy?: OrderIdBy | undefined }
/** An order with its lines, ordered by position, and its customer. */
export type WholeOrder = { row: OrderRow; lines: readonly OrderLineRow[]; customer: CustomerRef | null }

const selectLines = `select ${orderLineAttributes.map((name) => `${columnName(name)} as "${name}"`).join(', ')} from order_lines
where order_id = any($1::uuid[]) order by order_id, position`

const notFound = () => new Problem('not_found', { detail: 'order not found' })

export type OrderFinder = ReturnType<typeof createOrderFinder>

type Deps = { db: Db; model: Orders; userNames: UserNames; customers: Pick<CustomerProjection, 'findNamed'> }

/** Reads orders, with their lines, their customers and the current names of users. */
export const createOrderFinder = ({ db, model, userNames, customers }: Deps) => {
  const findRow = async ({ key, idBy }: OrderKey, tx?: Tx): Promise<OrderRow> => {
    const byNumber = idBy === 'number'
    const value = byNumber ? parseOrderNumber(key) : isUuid(key) ? key : undefined
    if (value === undefined) throw notFound()
    const row = await model.findOne({
      attributes: orderAttributes,
      where: byNumber ? { number: value } : { id: value },
      raw: true,
      transaction: tx ?? db.requestTransaction() ?? null,
      ...(tx && { lock: true }),
    })
    if (!row) throw notFound()
    return row
  }

  /** Reads the lines of several orders with one query. */
  const linesOf = async (ids: readonly string[], tx?: Tx): Promise<Map<string, OrderLineRow[]>> => {
    const found = new Map(ids.map((id): [string, OrderLineRow[]] => [id, []]))
    if (ids.length === 0) return found
    const rows = await db.query<OrderLineRow & { orderId: string }>(selectLines, [ids], { tx, name: 'order_lines' })
    for (const { orderId, ...line } of rows) found.get(orderId)?.push(line)
    return found
  }

  /** Completes the orders of a page, with one query for what they all need of a kind. */
  const complete = async (rows: readonly OrderRow[], tx?: Tx): Promise<WholeOrder[]> => {
    const ids = rows.map(({ id }) => id)
    const customerIds = rows.map(({ customerId }) => customerId)
    const named = await userNames.withCurrentNames(rows, tx)
    const lines = await linesOf(ids, tx)
    const found = await customers.findNamed(customerIds, tx)
    return named.map((row) => ({
      row,
      lines: lines.get(row.id) ?? [],
      customer: found.get(row.customerId ?? '') ?? null,
    }))
  }

  const completeOne = async (row: OrderRow, tx?: Tx): Promise<WholeOrder> => {
    const [order] = await complete([row], tx)
    if (!order) throw notFound()
    return order
  }

  return {
    linesOf,
    complete,

    /** @throws Problem 404 */
    get: async (key: OrderKey): Promise<WholeOrder> => completeOne(await findRow(key)),

    /** Reads and locks the oldest orders of a customer, up to `limit`. */
    lockByCustomer: async (customerId: string, limit: number, tx: Tx): Promise<OrderRow[]> =>
      userNames.withCurrentNames<OrderRow>(
        await model.findAll({
          attributes: orderAttributes,
          where: { customerId },
          order: ['id'],
          limit,
          lock: true,
          raw: true,
          transaction: tx,
        }),
        tx,
      ),

    /** Reads and locks an order until the end of `tx`. @throws Problem 404; 412 if `ifMatch` is another version */
    lock: async (key: OrderKey, tx: Tx, ifMatch: IfMatch): Promise<WholeOrder> => {
      const row = await findRow(key, tx)
      requireVersion('the order', row, ifMatch)
      return completeOne(row, tx)
    },
  }
}
