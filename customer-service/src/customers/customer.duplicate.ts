import { violatedConstraint } from '@clientele/platform/data/database-errors'
import { Problem } from '@clientele/platform/runtime/problem'
import type { CustomerFields } from './customer.change.ts'
import type { Finder } from './customer.finder.ts'

const uniqueFields = { customers_email_active: 'email', customers_external_id_active: 'externalId' } as const

/**
 * For `.catch`, after the transaction or savepoint was rolled back: a violated unique index becomes a 409 with the customer
 * that holds the value; the rest is thrown again.
 */
export const orDuplicate =
  (finder: Finder, values: Partial<CustomerFields> | undefined) =>
  async (error: unknown): Promise<never> => {
    const field = uniqueFields[(violatedConstraint(error) ?? '') as keyof typeof uniqueFields]
    const value = field && values?.[field]
    if (!field || typeof value !== 'string') throw error
    const other = await finder.find({ key: value, idBy: field })
    throw new Problem('duplicate', {
      detail: `another customer has this ${field}`,
      errors: [{ pointer: `/${field}`, code: 'taken', message: 'belongs to another customer' }],
      ...(other && { extra: { conflictingId: other.id, conflictingState: 'active' } }),
      cause: error,
    })
  }
