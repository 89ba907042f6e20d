import { snake } from '@clientele/platform/data/column-name'
import { type OrderRow, orderAttributes } from './order.model.ts'
import type { OrderLineRow } from './order-line.model.ts'

const given = orderAttributes.filter((name) => name !== 'number')
const bound = new Map<string, string>(given.map((name, index) => [name, `$${index + 1}`]))
const [ids, productIds, descriptions, quantities, prices, totals] = [1, 2, 3, 4, 5, 6].map(
  (index) => `$${given.length + index}`,
)

/** Makes an order with its lines and gives its number. A number that was given is never given again, even after a roll-back. */
export const insert = `with made as (
  insert into orders (${orderAttributes.map(snake).join(', ')})
  values (${orderAttributes.map((name) => bound.get(name) ?? `nextval('order_numbers')`).join(', ')}) returning id, number
), lines as (
  insert into order_lines (order_id, position, id, product_id, description, quantity, unit_price, line_total)
  select made.id, position, line.id, product_id, description, quantity, unit_price, line_total
  from made, unnest(${ids}::uuid[], ${productIds}::uuid[], ${descriptions}::text[], ${quantities}::integer[],
    ${prices}::numeric[], ${totals}::numeric[]) with ordinality
    as line (id, product_id, description, quantity, unit_price, line_total, position)
) select number from made`

export const insertValues = (row: Omit<OrderRow, 'number'>, lines: readonly OrderLineRow[]): unknown[] => [
  ...given.map((name) => row[name]),
  lines.map(({ id }) => id),
  lines.map(({ productId }) => productId),
  lines.map(({ description }) => description),
  lines.map(({ quantity }) => quantity),
  lines.map(({ unitPrice }) => unitPrice),
  lines.map(({ lineTotal }) => lineTotal),
]
