import type { Tx } from '@clientele/platform/data/db'
import { databaseOf } from '@clientele/platform/data/transaction'
import type { CustomerState } from '../customers/customer.projection.ts'
import { lockProducts, type StockedProduct } from '../stock/stock.statements.ts'
import { lockStock } from '../stock/stock.ts'

/** What an order names; `customerState` is absent if it names no customer. */
export type Locked = { customerState?: CustomerState['state']; products: ReadonlyMap<string, StockedProduct> }

/**
 * One round trip for both locks. The outer side of a left join is read first, so the customer is locked before the products,
 * and these in the order of their ids. Gives a row for each product; without products, one row without them.
 */
const lockBoth = `with customer as materialized (select state from customers where id = $2 for share),
product as materialized (${lockProducts.text})
select customer.state as "customerState", product.* from customer left join product on true`

type Row = { customerState: CustomerState['state'] } & (StockedProduct | { id: null })

/**
 * Locks what an order names until the end of `tx`. The customer's lock holds off a purge, which then finds the order that was
 * placed.
 * @returns undefined if there is no such customer
 */
export const lockForOrder = async (
  customerId: string | null,
  productIds: ReadonlySet<string>,
  tx: Tx,
): Promise<Locked | undefined> => {
  if (customerId === null) return { products: productIds.size === 0 ? new Map() : await lockStock(tx, productIds) }
  const rows = await databaseOf(tx).query<Row>(lockBoth, [[...productIds], customerId], { tx, name: 'order_lock' })
  const [first] = rows
  if (!first) return undefined
  const products = rows.filter((row) => row.id !== null)
  return { customerState: first.customerState, products: new Map(products.map((product) => [product.id, product])) }
}
