import { systemActor } from '@clientele/platform/auth/token-verifier'
import { insertOrder } from '../../order-service/src/orders/order.statements.ts'
import { lockProducts, moveProducts } from '../../order-service/src/stock/stock.statements.ts'
import { productPrefix, productsFrom } from './orders-seed.ts'

// The same statement as in `platform/src/events/outbox/outbox.ts`.
const addEvents = `insert into outbox (part, event_id, type, subject, data, traceparent)
select part, event_id, type, subject, data::json, $6
from unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::text[]) with ordinality
  as event (part, event_id, type, subject, data, position)
order by position`

/** Replaces `$1`, `$2` … of a statement with pgbench expressions. */
const substitute = (statement: string, ...values: string[]): string =>
  statement.replace(/\$(\d+)/g, (_, number: string) => values[Number(number) - 1] ?? 'null')

const three = (value: string): string => `array[${value}, ${value}, ${value}]`
const product = (variable: string): string => `('${productPrefix}' || :${variable}::text)::uuid`
const actor = systemActor('bench')
const moment = new Date(0)

const locked = substitute(lockProducts.text, `array[${['a', 'b', 'c'].map(product).join(', ')}]`)
const columns = {
  ids: 'array_agg(id)::text',
  names: 'array_agg(name)::text',
  prices: 'array_agg(price)::text',
  stocks: 'array_agg(stock - 1)::text',
  versions: 'array_agg(version + 1)::text',
  total: 'sum(price)',
}
const selected = [...Object.entries(columns).map(([name, sql]) => `${sql} as ${name}`), 'uuidv7() as id']

/**
 * A pgbench script that places an order of three lines with order-service's own statements. The first statement also computes
 * what the service computes between them; nothing else is added. The caller sets `:third`, `:actor`, `:actorname`, `:reason`,
 * `:placed` and `:changed`.
 */
export const script = `\\set a ${productsFrom} + random(1, :third)
\\set b ${productsFrom} + random(:third + 1, 2 * :third)
\\set c ${productsFrom} + random(2 * :third + 1, 3 * :third)
\\set part random(0, 7)
begin;
select ${selected.join(', ')} from (${locked}) locked \\gset
${substitute(
  insertOrder,
  ...[':id::uuid', 'null', "'placed'", ':total', "'EUR'", 'null', "'{}'", 'now()', 'null', 'null'],
  ...[':actor', ':actorname', 'now()', ':actor', ':actorname', '1', ':names::text'],
  ...[three('uuidv7()'), ':ids', ':names', three('1'), ':prices', ':prices'],
)};
${substitute(
  moveProducts([], [], moment, actor).text,
  ...[':ids', ':stocks', ':versions', 'now()', ':actor', ':actorname'],
  ...[three('uuidv7()'), ':ids', three('-1'), ':stocks', three("'order'"), three(':reason'), three(':id::uuid')],
  ':versions',
)};
${substitute(
  addEvents,
  'array[:part, (:part + 1) % 8, (:part + 3) % 8, (:part + 4) % 8]',
  'array[uuidv7(), uuidv7(), uuidv7(), uuidv7()]',
  `array['order.placed.v1', ${Array(3).fill("'product.stock_changed.v1'").join(', ')}]`,
  'array[:id::text] || :ids::text[]',
  'array[:placed, :changed, :changed, :changed]',
)};
commit;
`
