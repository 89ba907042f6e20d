import { type BulkChange, bulkChanges } from '@clientele/contracts/customer-bulk'
import { z } from 'zod'
import type { CustomerList } from '../customers/customer.list.ts'

/** A filter of the list of customers, as the query or a body writes it. */
export type Selection = Record<string, unknown>

/** What a job does to each customer: a change that clients may ask for, or the new name of a tag. */
export type JobChange = BulkChange | { op: 'renameTag'; from: string; to: string }

/**
 * The input of a job. It changes the customers that match one of `selections`, one after the other, and were created by `until`, the
 * time of the request. `total` is how many matched then.
 */
export type BulkInput = { selections: Selection[]; change: JobChange; total: number; until: string }

/** Creates the schema of the body that starts a bulk change. */
export const newBulkChange = (list: CustomerList) => {
  const shared = {
    filter: list.selection.meta({
      id: 'CustomerFilter',
      description:
        'The query parameters of the list, except those of paging. `{}` means all customers. A restore needs a filter on `deletedAt`.',
    }),
    expect: z.int().min(0).meta({
      description:
        'How many customers you expect to match. If the number differs by more than 1 %, nothing is changed, and the response is 409 with the present `count`.',
      example: 212,
    }),
  }
  const { tag, update, delete: remove, restore } = bulkChanges
  return z
    .discriminatedUnion('op', [
      z
        .strictObject({ ...shared, ...tag.shape })
        .refine(({ add = [], remove = [] }) => add.length + remove.length > 0, {
          message: 'must name tags to add or to remove',
          path: ['add'],
        })
        .meta({ id: 'CustomerBulkTag' }),
      z.strictObject({ ...shared, ...update.shape }).meta({ id: 'CustomerBulkUpdate' }),
      z.strictObject({ ...shared, ...remove.shape }).meta({ id: 'CustomerBulkDelete' }),
      z.strictObject({ ...shared, ...restore.shape }).meta({ id: 'CustomerBulkRestore' }),
    ])
    .meta({ id: 'NewCustomerBulkChange' })
}
export type NewBulkChange = z.infer<ReturnType<typeof newBulkChange>>
