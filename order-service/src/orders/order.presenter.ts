import { type Order, type OrderEventData, OrderLine } from '@clientele/contracts/order'
import { pick } from '@clientele/platform/data/changes'
import { presentStamps } from '@clientele/platform/data/stamps'
import { formatPrice } from '../products/product.price.ts'
import { currentFields } from './order.change.ts'
import type { WholeOrder } from './order.finder.ts'
import type { OrderRow } from './order.model.ts'
import type { OrderLineRow } from './order-line.model.ts'
import { formatOrderNumber } from './order-number.ts'

const lineFields = Object.keys(OrderLine.shape) as (keyof OrderLine)[]

const presentLine = (line: OrderLineRow, currency: string): OrderLine => ({
  ...pick(line, lineFields),
  unitPrice: formatPrice(line.unitPrice, currency),
  lineTotal: formatPrice(line.lineTotal, currency),
})

/** An order as events contain it. */
export const presentEventData = (row: OrderRow, lines: readonly OrderLineRow[]): OrderEventData => {
  const { createdAt: placedAt, ...stamps } = presentStamps({ ...row, createdAt: row.placedAt })
  return {
    id: row.id,
    number: formatOrderNumber(row.number),
    customerId: row.customerId,
    status: row.status,
    lines: lines.map((line) => presentLine(line, row.currency)),
    total: formatPrice(row.total, row.currency),
    currency: row.currency,
    ...currentFields(row),
    placedAt,
    fulfilledAt: row.fulfilledAt?.toISOString() ?? null,
    cancelledAt: row.cancelledAt?.toISOString() ?? null,
    ...stamps,
  }
}

/** An order as responses contain it. */
export const presentOrder = ({ row, lines, customer }: WholeOrder): Order => {
  const { id, number, customerId, ...others } = presentEventData(row, lines)
  return { id, number, customerId, customer, ...others }
}
