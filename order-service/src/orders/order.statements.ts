import type { OrderRow } from './order.model.ts'
import type { OrderLineRow } from './order-line.model.ts'

/** A sequence forgets no number, also of orders that came to nothing. */
export const nextNumber = `select nextval('order_numbers') as number`

/** Makes an order with its lines. */
export const insert = `with made as (
  insert into orders (id, number, customer_id, status, total, currency, note, metadata,
    placed_at, created_by, created_by_name, updated_at, updated_by, updated_by_name)
  values ($1, $2, $3, 'placed', $4, $5, $6, $7, $8, $9, $10, $8, $9, $10)
) insert into order_lines (order_id, position, id, product_id, description, quantity, unit_price, line_total)
select $1, position, id, product_id, description, quantity, unit_price, line_total
from unnest($11::uuid[], $12::uuid[], $13::text[], $14::integer[], $15::numeric[], $16::numeric[]) with ordinality
  as line (id, product_id, description, quantity, unit_price, line_total, position)`

export const insertValues = (row: OrderRow, lines: readonly OrderLineRow[]): unknown[] => [
  row.id,
  row.number,
  row.customerId,
  row.total,
  row.currency,
  row.note,
  JSON.stringify(row.metadata),
  row.placedAt.toISOString(),
  row.createdBy,
  row.createdByName,
  lines.map(({ id }) => id),
  lines.map(({ productId }) => productId),
  lines.map(({ description }) => description),
  lines.map(({ quantity }) => quantity),
  lines.map(({ unitPrice }) => unitPrice),
  lines.map(({ lineTotal }) => lineTotal),
]
