import { z } from 'zod'
import { CustomerPatch, CustomerTags, customerTag } from './customer.ts'
import { ProblemBody } from './problem.ts'

/** The fields that a bulk change may set: those that belong to no single customer. */
export const CustomerBulkPatch = CustomerPatch.pick({
  address: true,
  locale: true,
  smsOptOut: true,
  metadata: true,
}).meta({ id: 'CustomerBulkPatch' })

/** What a bulk change does to each customer. */
export const bulkChanges = {
  tag: CustomerTags.extend({ op: z.literal('tag') }),
  update: z.strictObject({ op: z.literal('update'), data: CustomerBulkPatch }),
  delete: z.strictObject({ op: z.literal('delete') }),
  restore: z.strictObject({ op: z.literal('restore') }),
}
const BulkChange = z.discriminatedUnion('op', [
  bulkChanges.tag,
  bulkChanges.update,
  bulkChanges.delete,
  bulkChanges.restore,
])
export type BulkChange = z.infer<typeof BulkChange>

/** The body of a 409: the number of customers differs from the expected one. */
export const CountChangedBody = ProblemBody.extend({
  count: z.int().min(0).optional().meta({ description: 'How many customers match now.' }),
}).meta({ id: 'CountChangedProblem' })

/** The body of a PATCH of a tag. */
export const TagPatch = z.strictObject({ name: customerTag }).meta({ id: 'TagPatch' })
