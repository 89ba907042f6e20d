import { all, type Bind } from './condition.ts'
import type { ListQuery } from './query.ts'
import { orderBy, rangesAfter, reverseSort } from './sort.ts'

/** A subquery `ids` that returns each id once, and conditions `where` that use only the id. */
export type IdSource = { ids: string; where: string[] }

type StatementOptions = {
  table: string
  selected: string[]
  exactConditions: string[]
  /** Conditions of which the planner cannot estimate how many rows match. */
  estimatedConditions: string[]
  /** Conditions that follow from the others. They only help an index. */
  impliedConditions: string[]
  /** Replaces all conditions, if they consist of a subquery of ids and conditions on the id. */
  idSource: IdSource | undefined
  query: Pick<ListQuery, 'limit' | 'offset' | 'cursor' | 'sort'>
  bind: Bind
  id: string
  /** Rows are counted up to one more than this number; 0: not at all. */
  countLimit: number
  /**
   * With `estimatedConditions`, up to this number of rows are collected and sorted, if not more are counted. It is 0 if the list is
   * known to be larger: its rows are then read in the order of the sort.
   */
  sortLimit: number
  /** Whether the order is one that no index has. A large result then has a total, but no rows. */
  mustSort?: boolean
}

/** Writes the statement that counts the rows of a list up to one more than `limit`. */
export const countStatement = (table: string, where: string, limit: number): string =>
  `select count(*)::int as total from (select from ${table} where ${where} limit ${limit + 1}) counted`

/**
 * Writes one statement that returns a page and its total, so both come from one snapshot and one round trip. Without rows it
 * still returns one row with the total.
 *
 * With `estimatedConditions` it first collects the keys of the matching rows once, using an index on text or tags. Their number is the
 * total, and selects one of two plans: a small result is sorted; for a large result, rows are read in the order of the sort and
 * tested until the page is full.
 */
export const listStatement = (options: StatementOptions): string => {
  const { table, selected, exactConditions, estimatedConditions, impliedConditions, idSource } = options
  const { query, bind, id, countLimit, sortLimit, mustSort = false } = options
  const { cursor, sort, limit, offset = 0 } = query
  const keys = cursor?.backward ? reverseSort(sort.keys) : sort.keys
  const keyTexts = keys.map(({ column }) => `${column}::text`).join(', ')
  // JSON and not an array, because only the keys of the first and the last row are parsed.
  const ranges = cursor && cursor.values.length > 0 ? rangesAfter(keys, cursor.values, bind) : []
  const end = `order by ${orderBy(keys)} limit ${limit + 1}${offset > 0 ? ` offset ${offset}` : ''}`
  const withKeys = (source: string): string => `select *, json_build_array(${keyTexts})::text as "~keys" from ${source}`
  const union = (statements: string[]): string =>
    statements.length === 1
      ? (statements[0] ?? '')
      : `select * from (${statements.map((sql) => `(${sql})`).join(' union all ')}) ranges ${end}`
  const page = (source: string): string => `select "~total", page.* from total left join (
    select ${selected.join(', ')}, "~keys", row_number() over () as "~row" from (${source}) found
  ) page on true order by "~row"`
  const noTotal = 'with total as (select null::int as "~total")'
  if (estimatedConditions.length === 0) {
    // The sorted ids are read from their index, without their rows, until the page or the count is complete.
    const [first] = keys
    const idsIn = ({ ids, where }: IdSource, ...range: string[]): string =>
      `(${ids} order by 1 ${first?.descending ? 'desc' : 'asc'}) ids (${id}) where ${all(...where, ...range)}`
    const rowsIn = (...range: string[]): string => {
      if (!idSource || first?.column !== id)
        return `${withKeys(`${table} where ${all(...exactConditions, ...impliedConditions, ...range)}`)} ${end}`
      const ids = `select ${id} from ${idsIn(idSource, ...range)} ${end}`
      return `${withKeys(`${table} where ${id} in (${ids})`)} order by ${orderBy(keys)}`
    }
    const source = idSource ? idsIn(idSource) : `${table} where ${all(...exactConditions)}`
    const counted = `select from ${source} limit ${countLimit + 1}`
    const statements = ranges.length === 0 ? [rowsIn()] : ranges.map((range) => rowsIn(range))
    const total =
      countLimit === 0 ? noTotal : `with total as (select count(*)::int as "~total" from (${counted}) counted)`
    return `${total} ${page(union(statements))}`
  }
  const columns = [...new Set([...keys.map(({ column }) => column), id])].join(', ')
  const pageRanges = ranges.length === 0 ? ['true'] : ranges
  const smallResult = withKeys(
    `${table} where ${id} in (select ${id} from counted where (${pageRanges.join(') or (')}) ${end})`,
  )
  // `offset 0` is an optimisation fence: the planner moves no condition into the subquery, so rows are read in order and tested one
  // by one.
  const scan = (range: string): string => {
    const where = all(...exactConditions, ...impliedConditions, range)
    const ordered = `(select * from ${table} where ${where} order by ${orderBy(keys)} offset 0) ordered`
    return `${withKeys(`${ordered} where ${all(...estimatedConditions)}`)} ${end}`
  }
  const largeResult = union(pageRanges.map(scan))
  if (sortLimit === 0) return `${noTotal} ${page(largeResult)}`
  const collected = Math.max(countLimit, sortLimit)
  const results = [
    `(select * from (${smallResult}) small_result where (select "~total" from total) <= ${collected})`,
    ...(mustSort
      ? []
      : [`(select * from (${largeResult}) large_result where (select "~total" from total) > ${collected})`]),
  ]
  return `with matched as materialized (select ${columns} from ${table} where ${all(...exactConditions, ...estimatedConditions)}),
  counted as materialized (select * from matched limit ${collected + 1}),
  total as materialized (select count(*)::int as "~total" from counted)
  ${page(`select * from (${results.join(' union all ')}) result order by ${orderBy(keys)}`)}`
}
