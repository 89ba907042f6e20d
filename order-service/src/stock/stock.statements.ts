import type { StockMovement } from '@clientele/contracts/product'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { snake } from '@clientele/platform/data/column-name'
import type { ProductRow } from '../products/product.model.ts'

const attributes = [
  ...(['id', 'sku', 'name', 'price', 'currency'] as const),
  ...(['stock', 'lowStockAt', 'active', 'archivedAt', 'version'] as const),
] satisfies (keyof ProductRow)[]

/** What stock, orders and their events need of a product. */
export type StockedProduct = Pick<ProductRow, (typeof attributes)[number]>

/** A prepared statement with its values. */
export type Statement = { name: string; text: string; values: unknown[] }

/** Keys stay as they are, so whoever only refers to a product need not wait. */
export const lockProducts = {
  name: 'products_lock',
  text: `select ${attributes.map((name) => `${snake(name)} as "${name}"`).join(', ')}
from products where id = any($1::uuid[]) order by id for no key update`,
}

const update = `update products set stock = change.stock, version = change.version,
  updated_at = $4, updated_by = $5, updated_by_name = $6
from unnest($1::uuid[], $2::bigint[], $3::integer[]) as change (id, stock, version) where products.id = change.id`

export const updateStock = (products: readonly StockedProduct[], at: Date, actor: Actor): Statement => ({
  name: 'products_update_stock',
  text: update,
  values: [
    products.map(({ id }) => id),
    products.map(({ stock }) => stock),
    products.map(({ version }) => version),
    at.toISOString(),
    actor.id,
    actor.displayName,
  ],
})

const insert = `insert into stock_movements
  (id, product_id, delta, stock_after, kind, reason, order_id, product_version, created_at, created_by, created_by_name)
select *, $9::timestamptz, $10, $11
from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::uuid[], $8::integer[])`

export const insertMovements = (
  movements: readonly StockMovement[],
  versions: readonly number[],
  at: Date,
  actor: Actor,
): Statement => ({
  name: 'stock_movements_insert',
  text: insert,
  values: [
    movements.map(({ id }) => id),
    movements.map(({ productId }) => productId),
    movements.map(({ delta }) => delta),
    movements.map(({ stockAfter }) => stockAfter),
    movements.map(({ kind }) => kind),
    movements.map(({ reason }) => reason),
    movements.map(({ orderId }) => orderId),
    [...versions],
    at.toISOString(),
    actor.id,
    actor.displayName,
  ],
})
