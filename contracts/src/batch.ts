import { z } from 'zod'
import { uuid } from './fields.ts'
import { ProblemBody } from './problem.ts'

/** The number of items that a batch may have. */
export const maxBatchItems = 500

// The types of keys are wide. They are checked for each item, so that an invalid value fails only its item.
/** The fields by which an item of a batch names its record: `id`, or `key` with `idBy`. `version` is that of `If-Match`. */
export const batchRef = <Fields extends z.ZodEnum>(idBy: Fields) => ({
  id: z.string().max(300).meta({ format: 'uuid' }).optional(),
  key: z.string().max(300).optional(),
  idBy: idBy.optional(),
  version: z.int().min(1).optional(),
})

/**
 * Creates the schema of the results of a batch, one for each item, in the same order. A result with a `status` of 400 or more has a
 * `problem`. `name` begins the names in OpenAPI, such as `OrderBatch`; `record` has the field with the record.
 */
export const batchResult = <Record extends z.ZodRawShape>(name: string, record: Record) => {
  const count = z.int().min(0).max(maxBatchItems)
  const item = z.object({
    index: z
      .int()
      .min(0)
      .max(maxBatchItems - 1),
    status: z.int().min(200).max(599),
    id: uuid.optional(),
    ...record,
    problem: ProblemBody.optional(),
  })
  return z
    .object({
      results: z.array(item.meta({ id: `${name}ItemResult` })),
      counts: z.object({ succeeded: count, failed: count }),
    })
    .meta({ id: `${name}Result` })
}
