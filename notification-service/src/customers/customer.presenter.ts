import type { CustomerRef } from '@clientele/contracts/customer-ref'
import { customerDisplayName } from '@clientele/features/customers/customer-name'
import type { CustomerRow } from './customer.model.ts'

/** The attributes that {@link presentCustomer} needs. */
export const shownAttributes = ['id', 'code', 'name', 'surname'] as const
export type ShownCustomer = Pick<CustomerRow, (typeof shownAttributes)[number]>

/** A customer as notifications show it; null if it is not known, or was purged. */
export const presentCustomer = (customer: ShownCustomer | undefined): CustomerRef | null => {
  if (!customer || customer.code === null) return null
  const { id, code } = customer
  return { id, code, displayName: customerDisplayName({ ...customer, code }) }
}
