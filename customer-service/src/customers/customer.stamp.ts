import type { Actor } from '@clientele/platform/auth/token-verifier'
import { newId } from '@clientele/platform/data/db'
import type { CustomerFields } from './customer.change.ts'
import type { CustomerRow } from './customer.model.ts'

// Machines of ours are nobody's editor.
export const isPerson = ({ id }: Pick<Actor, 'id'>): boolean => !id.startsWith('system:')

const stamp = (actor: Actor, at: Date) => ({ updatedAt: at, updatedBy: actor.id, updatedByName: actor.displayName })

/** A customer that is to be made; the database gives its code. */
export const begun = (fields: CustomerFields, actor: Actor, userId: string | null = null): CustomerRow => {
  const now = new Date()
  return {
    ...fields,
    id: newId(),
    code: '',
    userId,
    createdAt: now,
    createdBy: actor.id,
    createdByName: actor.displayName,
    ...stamp(actor, now),
    deletedAt: null,
    version: 1,
  }
}

/** The next version of a customer. */
export const stamped = (row: CustomerRow, actor: Actor): CustomerRow => ({
  ...row,
  ...stamp(actor, new Date()),
  version: row.version + 1,
})
