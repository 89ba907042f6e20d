import type { StockMovement } from '@clientele/contracts/product'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { type ProductRow, productColumns } from '../products/product.model.ts'

const attributes = [
  ...(['id', 'sku', 'name', 'price', 'currency'] as const),
  ...(['stock', 'lowStockAt', 'active', 'deletedAt', 'version'] as const),
] satisfies (keyof ProductRow)[]

/** The columns of a product that stock movements, orders and their events need. */
export type StockedProduct = Pick<ProductRow, (typeof attributes)[number]>

/** A prepared statement with its values. */
export type Statement = { name: string; text: string; values: unknown[] }

/** `for no key update` does not block inserts that reference the product. */
export const lockProducts = {
  name: 'products_lock',
  text: `select ${attributes.map((name) => `${productColumns[name]} as "${name}"`).join(', ')}
from products where id = any($1::uuid[]) order by id for no key update`,
}

const moveText = `with moved as (
  update products set stock = change.stock, version = change.version,
    updated_at = $4, updated_by = $5, updated_by_name = $6
  from unnest($1::uuid[], $2::bigint[], $3::integer[]) as change (id, stock, version) where products.id = change.id
)
insert into stock_movements
  (id, product_id, delta, stock_after, kind, reason, order_id, product_version, created_at, created_by, created_by_name)
select *, $4::timestamptz, $5, $6
from unnest($7::uuid[], $8::uuid[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::uuid[], $14::integer[])`

/** A movement to insert, with the version of its product after it. */
type Movement = { movement: StockMovement; version: number }

/** Updates products to their state after `movements`, and inserts the movements. */
export const moveProducts = (
  products: readonly StockedProduct[],
  movements: readonly Movement[],
  at: Date,
  actor: Actor,
): Statement => ({
  name: 'stock_move',
  text: moveText,
  values: [
    products.map(({ id }) => id),
    products.map(({ stock }) => stock),
    products.map(({ version }) => version),
    at.toISOString(),
    actor.id,
    actor.displayName,
    movements.map(({ movement }) => movement.id),
    movements.map(({ movement }) => movement.productId),
    movements.map(({ movement }) => movement.delta),
    movements.map(({ movement }) => movement.stockAfter),
    movements.map(({ movement }) => movement.kind),
    movements.map(({ movement }) => movement.reason),
    movements.map(({ movement }) => movement.orderId),
    movements.map(({ version }) => version),
  ],
})
