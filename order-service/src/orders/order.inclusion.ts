import type { Customer } from '@clientele/contracts/customer'
import type { Include, Order, OrderCustomer } from '@clientele/contracts/order'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { currentLog } from '@clientele/platform/runtime/log'
import type { CustomerClient } from '../customers/customer.client.ts'
import { displayNameOf } from '../customers/customer.projection.ts'
import type { OrderRow } from './order.model.ts'

/** The whole customers of orders, by id. */
export type IncludedCustomers = ReadonlyMap<string, Customer>

const none: IncludedCustomers = new Map()

/** Reads the whole customers of orders, with one request for a page. Without a response, orders have the short form. */
export const createInclusion =
  ({ customerClient }: { customerClient: Pick<CustomerClient, 'findMany'> }) =>
  async (include: Include, rows: readonly OrderRow[], actor: Actor): Promise<IncludedCustomers> => {
    const ids = rows.flatMap(({ customerId }) => customerId ?? [])
    if (include === undefined || ids.length === 0) return none
    return customerClient.findMany(ids, actor).catch((err: unknown) => {
      currentLog().warn({ err }, 'whole customers could not be read for orders')
      return none
    })
  }

const wholeCustomer = (customer: Customer): OrderCustomer => ({ ...customer, displayName: displayNameOf(customer) })

/** The order with its whole customer, if that is among `customers`. */
export const withCustomer = (order: Order, customers: IncludedCustomers): Order => {
  const customer = customers.get(order.customerId ?? '')
  return customer ? { ...order, customer: wholeCustomer(customer) } : order
}
