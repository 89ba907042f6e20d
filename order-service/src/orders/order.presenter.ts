import type { Order, OrderLine } from '@clientele/contracts/order'
import { shownPrice } from '../products/product.price.ts'
import { type OrderLineRow, type OrderRow, orderNumber } from './order.model.ts'

const presentLine = (line: OrderLineRow, currency: string): OrderLine => ({
  id: line.id,
  productId: line.productId,
  description: line.description,
  quantity: line.quantity,
  unitPrice: shownPrice(line.unitPrice, currency),
  lineTotal: shownPrice(line.lineTotal, currency),
})

/** An order as the API and its events show it. */
export const presentOrder = (row: OrderRow, lines: readonly OrderLineRow[]): Order => ({
  id: row.id,
  number: orderNumber(row.number),
  customerId: row.customerId,
  status: row.status,
  lines: lines.map((line) => presentLine(line, row.currency)),
  total: shownPrice(row.total, row.currency),
  currency: row.currency,
  note: row.note,
  metadata: row.metadata,
  placedAt: row.placedAt.toISOString(),
  fulfilledAt: row.fulfilledAt?.toISOString() ?? null,
  cancelledAt: row.cancelledAt?.toISOString() ?? null,
  createdBy: { id: row.createdBy, displayName: row.createdByName },
  updatedAt: row.updatedAt.toISOString(),
  updatedBy: { id: row.updatedBy, displayName: row.updatedByName },
  version: row.version,
})
