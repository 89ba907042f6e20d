import type { Actor } from '@clientele/platform/auth/token-verifier'
import { newId } from '@clientele/platform/data/db'
import { newStamps, nextStamps } from '@clientele/platform/data/stamps'
import type { CustomerFields } from './customer.change.ts'
import type { CustomerRow } from './customer.model.ts'

/** The row of a new customer. The database generates `code`; without it, the caller sets it later. */
export const newCustomerRow = (
  fields: CustomerFields,
  actor: Actor,
  { code = '', userId = null }: { code?: string; userId?: string | null } = {},
): CustomerRow => ({ ...fields, ...newStamps(actor), id: newId(), code, userId, deletedAt: null })

/** The row with the stamps of its next version. */
export const nextVersion = (row: CustomerRow, actor: Actor): CustomerRow => ({ ...row, ...nextStamps(row, actor) })
