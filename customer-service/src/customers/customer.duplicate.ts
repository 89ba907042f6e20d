import { violatedConstraint } from '@clientele/platform/data/database-errors'
import { Problem } from '@clientele/platform/runtime/problem'
import type { CustomerFields } from './customer.change.ts'
import type { Finder } from './customer.finder.ts'

const uniqueFields = { customers_email_active: 'email', customers_external_id_active: 'externalId' } as const

/**
 * Turns a unique violation into a 409 that names the other customer; rethrows any other error. Use it in `.catch` after the
 * transaction or savepoint was rolled back, because it reads the other customer.
 */
export const rethrowAsDuplicate =
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
