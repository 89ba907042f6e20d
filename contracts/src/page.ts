import { z } from 'zod'

/**
 * The position of a page in its list, and the number of rows in the list. They are counted up to 1,000, with `total=exact` up to 10,000
 * and with `total=none` not at all: `total` and `totalRelation` are then absent.
 */
export const PageInfo = z
  .object({
    limit: z.int().min(1).max(200),
    nextCursor: z.string().nullable(),
    prevCursor: z.string().nullable(),
    total: z.int().min(0).max(10_000).optional().meta({
      description:
        'The number of rows in the list, counted up to 1,000, or with `total=exact` up to 10,000. A page that is not the first has the total of the first. Absent with `total=none`.',
    }),
    totalRelation: z.enum(['eq', 'gte']).optional().meta({
      description: '`eq`: `total` is exact. `gte`: there are more rows than `total`. Absent with `total=none`.',
    }),
    matchedBy: z.enum(['similar']).optional().meta({
      description:
        'Only in a page of a search: `similar` means that nothing has the words of `q`, and that these rows have words that differ from them by one typing error.',
    }),
  })
  .meta({ id: 'PageInfo' })

const pageOf = <T extends z.ZodType>(item: T) => {
  const id = item.meta()?.id
  return z.object({ data: z.array(item), page: PageInfo }).meta(id === undefined ? {} : { id: `${id}Page` })
}
const pages = new WeakMap<z.ZodType, ReturnType<typeof pageOf>>()

/** The schema of a page of a list: `{ data, page }`. Its name in OpenAPI is that of the items with `Page` at the end. */
export const page = <T extends z.ZodType>(item: T): ReturnType<typeof pageOf<T>> => {
  const schema = pages.get(item) ?? pageOf(item)
  pages.set(item, schema)
  return schema as ReturnType<typeof pageOf<T>>
}

/** A page of `T` as a handler returns it. */
export type Page<T> = { data: T[]; page: z.infer<typeof PageInfo> }
