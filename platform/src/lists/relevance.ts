import type { Db } from '../data/db.ts'
import type { Condition } from './condition.ts'
import type { Cursor } from './cursor.ts'
import type { Found, PageReader, ReadOptions } from './page-reader.ts'
import type { ListQuery } from './query.ts'
import { type FoundRow, isCompleteList } from './result-page.ts'
import { type TextSearch, tierColumn } from './search.ts'
import { totalOf } from './total.ts'

/** The position in a tier of a page that begins or ends in the tier `cursorTier`. Later tiers are read from their first row. */
const cursorIn = (tier: number, cursorTier: number, cursor: Cursor | undefined): Cursor | undefined => {
  if (!cursor) return undefined
  if (tier === cursorTier) return { ...cursor, values: cursor.values.slice(1) }
  return cursor.backward ? { ...cursor, values: [] } : undefined
}

const withTier = <Row>(row: FoundRow<Row>, tier: number): FoundRow<Row> => ({
  ...row,
  '~keys': JSON.stringify([String(tier), ...(JSON.parse(row['~keys']) as (string | null)[])]),
})

type RelevanceQuery = ListQuery & { search: TextSearch }

/** Reads the tiers of the search one after the other, until the page is full. Each is a list of its own that an index serves. */
const readTiers = async <Row>(
  reader: PageReader<Row>,
  db: Db,
  query: RelevanceQuery,
  options: ReadOptions,
): Promise<Found<Row>> => {
  const { cursor, limit, search, conditions, countLimit } = query
  const cursorTier = Number(cursor?.values[0] ?? 0)
  const numbers = search.tiers.map((_, tier) => tier)
  const remaining = cursor?.backward
    ? numbers.filter((tier) => tier <= cursorTier).reverse()
    : numbers.filter((tier) => tier >= cursorTier)
  const rows: FoundRow<Row>[] = []
  for (const tier of remaining) {
    if (rows.length > limit) break
    const part = {
      ...query,
      // One row more than the page has room for is read.
      limit: limit - rows.length,
      cursor: cursorIn(tier, cursorTier, cursor),
      conditions: [...conditions, ...(search.tiers[tier] ?? [])],
      countLimit: 0,
    }
    rows.push(...(await reader.page(db, part, options)).rows.map((row) => withTier(row, tier)))
  }
  const total = isCompleteList(query, rows.length)
    ? totalOf(rows.length, countLimit)
    : await reader.total(db, { ...query, conditions: [...conditions, ...search.match] }, options)
  return { rows, total, isEmpty: !cursor && rows.length === 0 }
}

/**
 * Reads a page in the order of relevance: a small result by one statement that sorts it, a large one tier by tier, so that no page
 * sorts all matches.
 */
export const readByRelevance = async <Row>(
  reader: PageReader<Row>,
  db: Db,
  query: RelevanceQuery,
  options: ReadOptions,
): Promise<Found<Row>> => {
  const { search, conditions } = query
  const all = { ...query, conditions: [...conditions, ...search.match] }
  const tier: Condition = (bind, context) => tierColumn(search, bind, context)
  const sorted = search.tiers.length > 1 ? await reader.sortedPage(db, all, tier, options) : undefined
  return sorted ?? readTiers(reader, db, query, options)
}
