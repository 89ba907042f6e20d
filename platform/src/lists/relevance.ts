import type { Db } from '../data/db.ts'
import type { Cursor } from './cursor.ts'
import type { PageReader, ReadOptions } from './page-reader.ts'
import type { ListQuery } from './query.ts'
import type { FoundRow, Total } from './result-page.ts'
import type { TextSearch } from './search.ts'

/** The position in a tier of a page that begins or ends in the tier `cursorTier`. Later tiers are read from their first row. */
const cursorIn = (tier: number, cursorTier: number, cursor: Cursor | undefined): Cursor | undefined => {
  if (!cursor) return undefined
  const { sort, backward, values } = cursor
  if (tier === cursorTier) return { sort, backward, values: values.slice(1) }
  return backward ? { sort, backward, values: [] } : undefined
}

const withTier = <Row>(row: FoundRow<Row>, tier: number): FoundRow<Row> => ({
  ...row,
  '~keys': JSON.stringify([String(tier), ...(JSON.parse(row['~keys']) as (string | null)[])]),
})

/**
 * Reads a page in the order of relevance: the tiers of the search one after the other, until the page is full. Each tier is a list
 * of its own that an index serves, so no page sorts all matches.
 */
export const readByRelevance = async <Row>(
  reader: PageReader<Row>,
  db: Db,
  query: ListQuery & { search: TextSearch },
  options: ReadOptions,
): Promise<{ found: FoundRow<Row>[]; total: Total }> => {
  const { cursor, limit, search, conditions } = query
  const cursorTier = Number(cursor?.values[0] ?? 0)
  const numbers = search.tiers.map((_, tier) => tier)
  const remaining = cursor?.backward
    ? numbers.filter((tier) => tier <= cursorTier).reverse()
    : numbers.filter((tier) => tier >= cursorTier)
  const found: FoundRow<Row>[] = []
  for (const tier of remaining) {
    if (found.length > limit) break
    const part = {
      ...query,
      // One row more than the page has room for is read.
      limit: limit - found.length,
      cursor: cursorIn(tier, cursorTier, cursor),
      conditions: [...conditions, ...(search.tiers[tier] ?? [])],
    }
    const { found: rows } = await reader.page(db, part, options)
    found.push(...rows.map((row) => withTier(row, tier)))
  }
  const isWhole = !cursor && found.length <= limit
  const total = isWhole
    ? { total: found.length, isExact: true }
    : await reader.total(db, { ...query, conditions: [...conditions, ...search.match] }, options)
  return { found, total }
}
