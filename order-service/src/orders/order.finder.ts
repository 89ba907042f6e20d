import type { OrderIdBy } from '@clientele/contracts/order'
import { columnName } from '@clientele/platform/data/column-name'
import type { Db, Tx } from '@clientele/platform/data/db'
import { isUuid } from '@clientele/platform/data/ids'
import type { UserNames } from '@clientele/platform/data/user-names'
import { type IfMatch, requireVersion } from '@clientele/platform/http/if-match'
import { Problem } from '@clientele/platform/runtime/problem'
import type { OrderRow, Orders } from './order.model.ts'
import { type OrderLineRow, orderLineAttributes } from './order-line.model.ts'
import { parseOrderNumber } from './order-number.ts'

/** The key of an order in a request: its id, or its number if `idBy` says so. */
export type OrderKey = { key: string; idBy?: OrderIdBy | undefined }
/** An order with its lines, ordered by position. */
export type OrderWithLines = { row: OrderRow; lines: OrderLineRow[] }

const selectLines = `select ${orderLineAttributes.map((name) => `${columnName(name)} as "${name}"`).join(', ')} from order_lines
where order_id = any($1::uuid[]) order by order_id, position`

const notFound = () => new Problem('not_found', { detail: 'order not found' })

export type OrderFinder = ReturnType<typeof createOrderFinder>

/** Reads orders and their lines. */
export const createOrderFinder = (db: Db, model: Orders, userNames: UserNames) => {
  const findRow = async ({ key, idBy }: OrderKey, tx?: Tx): Promise<OrderRow> => {
    const byNumber = idBy === 'number'
    const value = byNumber ? parseOrderNumber(key) : isUuid(key) ? key : undefined
    if (value === undefined) throw notFound()
    const row = await model.findOne({
      where: byNumber ? { number: value } : { id: value },
      raw: true,
      transaction: tx ?? db.requestTransaction() ?? null,
      ...(tx && { lock: true }),
    })
    const [found] = await userNames.withCurrentNames<OrderRow>(row ? [row] : [], tx)
    if (!found) throw notFound()
    return found
  }

  /** Reads the lines of several orders with one query. */
  const linesOf = async (ids: readonly string[], tx?: Tx): Promise<Map<string, OrderLineRow[]>> => {
    const found = new Map(ids.map((id): [string, OrderLineRow[]] => [id, []]))
    if (ids.length === 0) return found
    const rows = await db.query<OrderLineRow & { orderId: string }>(selectLines, [ids], { tx, name: 'order_lines' })
    for (const { orderId, ...line } of rows) found.get(orderId)?.push(line)
    return found
  }

  const withLines = async (row: OrderRow, tx?: Tx): Promise<OrderWithLines> => ({
    row,
    lines: (await linesOf([row.id], tx)).get(row.id) ?? [],
  })

  return {
    linesOf,

    /** @throws Problem 404 */
    get: async (key: OrderKey): Promise<OrderWithLines> => withLines(await findRow(key)),

    /** Reads and locks the oldest orders of a customer, up to `limit`. */
    lockByCustomer: async (customerId: string, limit: number, tx: Tx): Promise<OrderRow[]> =>
      userNames.withCurrentNames<OrderRow>(
        await model.findAll({ where: { customerId }, order: ['id'], limit, lock: true, raw: true, transaction: tx }),
        tx,
      ),

    /** Reads and locks an order until the end of `tx`. @throws Problem 404; 412 if `ifMatch` is another version */
    lock: async (key: OrderKey, tx: Tx, ifMatch: IfMatch): Promise<OrderWithLines> => {
      const row = await findRow(key, tx)
      requireVersion('the order', row, ifMatch)
      return withLines(row, tx)
    },
  }
}
