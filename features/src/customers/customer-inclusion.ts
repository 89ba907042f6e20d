import type { Customer } from '@clientele/contracts/customer'
import type { CustomerRef, Include } from '@clientele/contracts/customer-ref'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { currentLog } from '@clientele/platform/runtime/log'
import { customerDisplayName } from './customer-name.ts'
import type { CustomerReader } from './customer-reader.ts'

/** The whole customers of records, by id. */
export type IncludedCustomers = ReadonlyMap<string, Customer>

type WithCustomerId = { customerId: string | null }
const none: IncludedCustomers = new Map()

/**
 * Creates a function that reads the whole customers of a page of records if the request has `include=customer`. If customer-service
 * does not respond, it returns none, and the records keep the short form.
 */
export const createCustomerInclusion =
  ({ findMany }: CustomerReader) =>
  async (include: Include, records: readonly WithCustomerId[], actor: Actor): Promise<IncludedCustomers> => {
    const ids = records.flatMap(({ customerId }) => customerId ?? [])
    if (include === undefined || ids.length === 0) return none
    return findMany(ids, actor).catch((err: unknown) => {
      currentLog().warn({ err }, 'whole customers could not be read from customer-service')
      return none
    })
  }

/** The record with its whole customer, if that is among `customers`. */
export const withCustomer = <R extends WithCustomerId & { customer: CustomerRef | null }>(
  record: R,
  customers: IncludedCustomers,
): R => {
  const customer = customers.get(record.customerId ?? '')
  return customer ? { ...record, customer: { ...customer, displayName: customerDisplayName(customer) } } : record
}
