import { columnName } from '@clientele/platform/data/column-name'
import { type OrderRow, orderAttributes } from './order.model.ts'
import type { OrderLineRow } from './order-line.model.ts'

const boundAttributes = orderAttributes.filter((name) => name !== 'number')
const placeholders = new Map<string, string>(boundAttributes.map((name, index) => [name, `$${index + 1}`]))
const [ids, productIds, descriptions, quantities, prices, totals] = [1, 2, 3, 4, 5, 6].map(
  (index) => `$${boundAttributes.length + index}`,
)

/** Inserts an order with its lines and returns its number. A rolled-back insert uses up its number. */
export const insertOrder = `with inserted as (
  insert into orders (${orderAttributes.map(columnName).join(', ')})
  values (${orderAttributes.map((name) => placeholders.get(name) ?? `nextval('order_numbers')`).join(', ')}) returning id, number
), lines as (
  insert into order_lines (order_id, position, id, product_id, description, quantity, unit_price, line_total)
  select inserted.id, position, line.id, product_id, description, quantity, unit_price, line_total
  from inserted, unnest(${ids}::uuid[], ${productIds}::uuid[], ${descriptions}::text[], ${quantities}::integer[],
    ${prices}::numeric[], ${totals}::numeric[]) with ordinality
    as line (id, product_id, description, quantity, unit_price, line_total, position)
) select number from inserted`

export const insertOrderValues = (row: Omit<OrderRow, 'number'>, lines: readonly OrderLineRow[]): unknown[] => [
  ...boundAttributes.map((name) => row[name]),
  lines.map(({ id }) => id),
  lines.map(({ productId }) => productId),
  lines.map(({ description }) => description),
  lines.map(({ quantity }) => quantity),
  lines.map(({ unitPrice }) => unitPrice),
  lines.map(({ lineTotal }) => lineTotal),
]
