import { columnName } from '@clientele/platform/data/column-name'
import { removeAccents } from '@clientele/platform/lists/words/fold-text'
import { type OrderRow, orderAttributes } from './order.model.ts'
import type { OrderLineRow } from './order-line.model.ts'
import { minDigits, numberPrefix } from './order-number.ts'

const boundAttributes = orderAttributes.filter((name) => name !== 'number')
const placeholders = new Map<string, string>(boundAttributes.map((name, index) => [name, `$${index + 1}`]))
const [searchText, ids, productIds, descriptions, quantities, prices, totals] = [1, 2, 3, 4, 5, 6, 7].map(
  (index) => `$${boundAttributes.length + index}`,
)

/** Writes an order number as it begins the search text. */
const numberText = (number: string): string =>
  `'${removeAccents(numberPrefix)}' || lpad(${number}::text, greatest(${minDigits}, length(${number}::text)), '0')`

/** Inserts an order with its lines and returns its number. A rolled-back insert uses up its number. */
export const insertOrder = `with next as (
  select nextval('order_numbers') as number
), inserted as (
  insert into orders (${orderAttributes.map(columnName).join(', ')}, search_text)
  values (${orderAttributes.map((name) => placeholders.get(name) ?? '(select number from next)').join(', ')},
    (select ${numberText('number')} from next) || ' ' || ${searchText}) returning id, number
), lines as (
  insert into order_lines (order_id, position, id, product_id, description, quantity, unit_price, line_total)
  select inserted.id, position, line.id, product_id, description, quantity, unit_price, line_total
  from inserted, unnest(${ids}::uuid[], ${productIds}::uuid[], ${descriptions}::text[], ${quantities}::integer[],
    ${prices}::numeric[], ${totals}::numeric[]) with ordinality
    as line (id, product_id, description, quantity, unit_price, line_total, position)
) select number from inserted`

/** `text` is the search text without the number, which the insert adds. */
export const insertOrderValues = (
  row: Omit<OrderRow, 'number'>,
  lines: readonly OrderLineRow[],
  text: string,
): unknown[] => [
  ...boundAttributes.map((name) => row[name]),
  text,
  lines.map(({ id }) => id),
  lines.map(({ productId }) => productId),
  lines.map(({ description }) => description),
  lines.map(({ quantity }) => quantity),
  lines.map(({ unitPrice }) => unitPrice),
  lines.map(({ lineTotal }) => lineTotal),
]
