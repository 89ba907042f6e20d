import type { Tx } from '@clientele/platform/data/db'
import { databaseOf } from '@clientele/platform/data/transaction'
import type { KnownCustomer } from '../customers/customer.projection.ts'
import { lockProducts, type StockedProduct } from '../stock/stock.statements.ts'
import { lockStock } from '../stock/stock.ts'

/** The locked customer and products of an order. `customer` is absent if the order has none. */
export type LockedRows = {
  customer?: Pick<KnownCustomer, 'state' | 'code' | 'displayName'>
  products: ReadonlyMap<string, StockedProduct>
}

/**
 * Locks customer and products in one round trip. The outer side of a left join is read first, so the customer is locked before
 * the products, and those in the order of their ids. Returns a row per product, or a single row if there are no products.
 */
const lockCustomerAndProducts = `with customer as materialized (
  select state, code as customer_code, display_name from customers where id = $2 for share),
product as materialized (${lockProducts.text})
select state as "customerState", customer_code as "customerCode", display_name as "displayName", product.* from customer left join product on true`

type Row = {
  customerState: KnownCustomer['state']
  customerCode: string | null
  displayName: string | null
} & (StockedProduct | { id: null })

/**
 * Locks the customer and the products of an order until the end of `tx`. A purge of the customer waits for this lock, so it
 * finds the new order and anonymises it.
 * @returns undefined if the customer is not in the projection
 */
export const lockForOrder = async (
  customerId: string | null,
  productIds: ReadonlySet<string>,
  tx: Tx,
): Promise<LockedRows | undefined> => {
  if (customerId === null) return { products: productIds.size === 0 ? new Map() : await lockStock(tx, productIds) }
  const rows = await databaseOf(tx).query<Row>(lockCustomerAndProducts, [[...productIds], customerId], {
    tx,
    name: 'order_lock',
  })
  const [first] = rows
  if (!first) return undefined
  const products = rows.filter((row) => row.id !== null)
  const { customerState: state, customerCode: code, displayName } = first
  return {
    customer: { state, code, displayName },
    products: new Map(products.map((product) => [product.id, product])),
  }
}
