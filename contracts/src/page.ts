import { z } from 'zod'

/** Where a list stands: `total` is counted up to 10,000, beyond that `totalRelation` is `gte`. */
export const PageInfo = z
  .object({
    limit: z.int(),
    nextCursor: z.string().nullable(),
    prevCursor: z.string().nullable(),
    total: z.int(),
    totalRelation: z.enum(['eq', 'gte']),
  })
  .meta({ id: 'PageInfo' })

/** The answer of every list: `{ data, page }`. */
export const page = <T extends z.ZodType>(item: T) => z.object({ data: z.array(item), page: PageInfo })

/** A page of `T` as a handler returns it. */
export type Page<T> = { data: T[]; page: z.infer<typeof PageInfo> }
