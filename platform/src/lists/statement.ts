import type { Bind } from './filters.ts'
import type { ListQuery } from './query.ts'
import { after, orderBy, reversed } from './sort.ts'

/** Totals beyond it are not counted. */
export const countedUpTo = 10_000

/** `ids` gives each once; `where` speaks of nothing but the id. */
export type Among = { ids: string; where: string[] }

type Statement = {
  table: string
  selected: string[]
  fixed: string[]
  guessed: string[]
  /** What follows from the others. */
  implied: string[]
  /** All that is asked, where that is a query of ids and conditions on them. */
  among: Among | undefined
  query: ListQuery
  bind: Bind
  id: string
  /** The total is known to be beyond {@link countedUpTo}. */
  isLarge: boolean
}

/**
 * Rows and count in one statement, so in one snapshot and one round trip; a count row is there even without rows.
 * `guessed` are conditions of which the planner cannot know how many rows meet them. Those are counted first, by the index of
 * text or tags, and the count chooses the way to the page: few are sorted, and of many the next ones in order are tried.
 */
export const statement = (asked: Statement): string => {
  const { table, selected, fixed, guessed, implied, among, query, bind, id, isLarge } = asked
  const { cursor, sort, limit, offset = 0 } = query
  const keys = cursor?.backward ? reversed(sort.keys) : sort.keys
  const all = (...conditions: string[]): string => conditions.map((sql) => `(${sql})`).join(' and ') || 'true'
  const texts = keys.map(({ column }) => `${column}::text`).join(', ')
  // Not as an array: only those of the first and the last row are ever read.
  const ranges = cursor ? after(keys, cursor.values, bind) : []
  const end = `order by ${orderBy(keys)} limit ${limit + 1}${offset > 0 ? ` offset ${offset}` : ''}`
  const texted = (source: string): string => `select *, json_build_array(${texts})::text as "~keys" from ${source}`
  const union = (branches: string[]): string =>
    branches.length === 1
      ? (branches[0] ?? '')
      : `select * from (${branches.map((sql) => `(${sql})`).join(' union all ')}) branch ${end}`
  const page = (source: string): string => `select "~total", page.* from total left join (
    select ${selected.join(', ')}, "~keys", row_number() over () as "~row" from (${source}) found
  ) page on true order by "~row"`
  const known = `with total as (select ${countedUpTo + 1} as "~total")`
  if (guessed.length === 0) {
    // Sorted ids are read from their index only until there are enough, and without a look at the rows.
    const [first] = keys
    const idsIn = ({ ids, where }: Among, ...range: string[]): string =>
      `(${ids} order by 1 ${first?.descending ? 'desc' : 'asc'}) among (${id}) where ${all(...where, ...range)}`
    const slice = (...range: string[]): string => {
      if (!among || first?.column !== id)
        return `${texted(`${table} where ${all(...fixed, ...implied, ...range)}`)} ${end}`
      const ids = `select ${id} from ${idsIn(among, ...range)} ${end}`
      return `${texted(`${table} where ${id} in (${ids})`)} order by ${orderBy(keys)}`
    }
    const counted = `select from ${among ? idsIn(among) : `${table} where ${all(...fixed)}`} limit ${countedUpTo + 1}`
    const slices = ranges.length === 0 ? [slice()] : ranges.map((range) => slice(range))
    const total = isLarge ? known : `with total as (select count(*)::int as "~total" from (${counted}) counted)`
    return `${total} ${page(union(slices))}`
  }
  const columns = [...new Set([...keys.map(({ column }) => column), id])].join(', ')
  const anywhere = ranges.length === 0 ? ['true'] : ranges
  const few = texted(`${table} where ${id} in (select ${id} from counted where (${anywhere.join(') or (')}) ${end})`)
  // Nothing pushes a condition below `offset 0`: rows come in order and are tried until the page is full.
  const inOrder = (range: string): string => {
    const walked = `(select * from ${table} where ${all(...fixed, ...implied, range)} order by ${orderBy(keys)} offset 0) walked`
    return `${texted(`${walked} where ${all(...guessed)}`)} ${end}`
  }
  const many = union(anywhere.map(inOrder))
  if (isLarge) return `${known} ${page(many)}`
  return `with matched as materialized (select ${columns} from ${table} where ${all(...fixed, ...guessed)}),
  counted as materialized (select * from matched limit ${countedUpTo + 1}),
  total as materialized (select count(*)::int as "~total" from counted)
  ${page(`select * from (
    (select * from (${few}) few where (select "~total" from total) <= ${countedUpTo}) union all
    (select * from (${many}) many where (select "~total" from total) > ${countedUpTo})
  ) either order by ${orderBy(keys)}`)}`
}
