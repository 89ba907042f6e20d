import type { Page } from '@clientele/contracts/page'
import { snake } from '../data/column-name.ts'
import { isInvalidValue } from '../data/database-errors.ts'
import type { Db, Tx } from '../data/db.ts'
import { Problem } from '../runtime/problem.ts'
import { encodeCursor } from './cursor.ts'
import type { Bind, Condition, Filter, ListContext } from './filters.ts'
import { foldText } from './fold-text.ts'
import { createLargeTotals } from './large-lists.ts'
import { type ListGrammar, type ListQuery, parseListQuery } from './query.ts'
import { type QuerySchema, querySchema } from './query-schema.ts'
import { orderBy, parseSort } from './sort.ts'
import { type Among, countedUpTo, statement } from './statement.ts'

export { arrayHas, asksFor, boolean, flag, number, text, userId, uuid, whole } from './filters.ts'
export { notBefore, time } from './time-filter.ts'

/** What a list of the product is made of. SQL in it is the service's own, never a caller's. */
export type ListOptions = {
  table: string
  /** Attribute names, or attributes with their columns: a map, or a Sequelize model's `getAttributes()`. */
  columns: readonly string[] | Record<string, string | { field?: string | undefined }>
  /** Sortable names; each needs an index on (column, id). */
  sort: readonly (string | { name: string; column: string })[]
  defaultSort: string
  filter?: Record<string, Filter>
  /** The column for `q`; it holds text made by `normaliseSearch` (default {@link foldText}). */
  search?: string
  normaliseSearch?: (value: string) => string
  /** A condition on every row; a function may choose it by the query. */
  where?: string | ((query: Record<string, unknown>) => string)
  /** Other names of parameters: `{ max_price: 'price[lte]' }`. */
  aliases?: Record<string, string>
  /** The unique last column of every sort. Default `id`. */
  id?: string
}

/** `where` narrows this one call: SQL, its values through `bind`. */
export type RunOptions = ListContext & { where?: string | ((bind: Bind) => string); tx?: Tx }

/** A declared list: `query` for `operation()`, `run` for the service. */
export type List<Row extends object> = {
  query: QuerySchema
  /** The parameters without those of paging, for a body that selects rows. */
  selection: QuerySchema
  /**
   * One statement for every row of a selection, for a cursor; in the order of ids where it names no sort.
   * @throws Problem 400
   */
  all(selection: Record<string, unknown>, context?: ListContext): { sql: string; values: unknown[] }
  /** @throws Problem 400 for a query that is not valid */
  run(
    db: Db,
    query: Record<string, unknown>,
    options?: RunOptions,
  ): Promise<{ rows: Row[]; page: Page<unknown>['page'] }>
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const columnsOf = (columns: ListOptions['columns']): [attribute: string, column: string][] => {
  if (Array.isArray(columns)) return columns.map((name: string) => [name, snake(name)])
  return Object.entries(columns).map(([name, column]) => [
    name,
    typeof column === 'string' ? column : (column.field ?? snake(name)),
  ])
}

const grammarOf = ({
  sort,
  defaultSort,
  filter = {},
  search,
  normaliseSearch = foldText,
  aliases = {},
  id = 'id',
}: ListOptions): ListGrammar => ({
  id,
  sort: new Map(sort.map((each) => (typeof each === 'string' ? [each, snake(each)] : [each.name, each.column]))),
  defaultSort,
  filters: new Map(
    Object.entries(filter).map(([name, each]) => [name, { filter: each, column: each.column ?? snake(name) }]),
  ),
  search: search === undefined ? undefined : { column: search, normalise: normaliseSearch },
  aliases: new Map(Object.entries(aliases)),
})

/**
 * Declares a list: filters with operators, free text, sorting, keyset and offset paging, the count up to 10,000, and a 400
 * for everything else. `Row` has the attributes of `columns` as PostgreSQL's types arrive.
 */
export const list = <Row extends object = Record<string, unknown>>(options: ListOptions): List<Row> => {
  const grammar = grammarOf(options)
  parseSort(options.defaultSort, grammar.sort, grammar.id)
  const selected = columnsOf(options.columns).map(([name, column]) => `${quoted(column)} as ${quoted(name)}`)

  const totals = createLargeTotals()

  const understood = (record: Record<string, unknown>): ListQuery => {
    const { query, faults } = parseListQuery(grammar, record)
    if (faults.length > 0) throw invalid(faults)
    return query
  }
  const baseOf = (record: Record<string, unknown>): string | undefined =>
    typeof options.where === 'function' ? options.where(record) : options.where

  const all: List<Row>['all'] = (record, context = {}) => {
    const query = understood(record)
    const values: unknown[] = []
    const bind: Bind = (value) => `$${values.push(value)}`
    const conditions = [
      baseOf(record),
      ...query.conditions.map((condition) => {
        const sql = condition(bind, context)
        return condition.of === 'ids' ? `${grammar.id} in (${sql})` : sql
      }),
    ]
    const where = conditions.flatMap((sql) => (sql === undefined ? [] : [`(${sql})`])).join(' and ') || 'true'
    const keys = record['sort'] === undefined ? [{ column: grammar.id, descending: false }] : query.sort.keys
    return {
      sql: `select ${selected.join(', ')} from ${options.table} where ${where} order by ${orderBy(keys)}`,
      values,
    }
  }

  const run: List<Row>['run'] = async (db, record, { where, tx, ...context } = {}) => {
    const query = understood(record)
    const values: unknown[] = []
    const bind: Bind = (value) => `$${values.push(value)}`
    const base = baseOf(record)
    const narrow = typeof where === 'function' ? where(bind) : where
    const { id } = grammar
    const written = (some: Condition[]) =>
      some.map((condition) => ({ sql: condition(bind, context), of: condition.of }))
    const known = written(query.conditions.filter((condition) => !condition.rough))
    const fixed = [
      base,
      narrow,
      ...known.map(({ sql, of }) => (of === 'ids' ? `${id} in (${sql} order by 1 desc)` : sql)),
    ].filter((sql) => sql !== undefined)
    const guessed = written(query.conditions.filter((condition) => condition.rough)).map(({ sql }) => sql)
    const key = JSON.stringify([fixed, guessed, values])
    const isLarge = totals.has(db, key)
    const implied = query.conditions.flatMap((condition) => condition.implied?.(bind, context) ?? [])
    const among = base === undefined && narrow === undefined && guessed.length === 0 ? idsOf(known) : undefined
    const sql = statement({ table: options.table, selected, fixed, guessed, implied, among, query, bind, id, isLarge })
    const found = await db.query<Found<Row>>(sql, values, { tx }).catch((error: unknown) => {
      // Only a forged cursor gets that far.
      throw isInvalidValue(error)
        ? invalid([
            { code: 'invalid_parameter', parameter: query.cursor ? 'cursor' : 'query', message: 'is not valid' },
          ])
        : error
    })
    const answer = pageOf(query, found)
    if (isLarge && isWhole(query, answer.rows.length)) {
      totals.note(db, key, false)
      return run(db, record, { where, tx, ...context })
    }
    if (!isLarge) totals.note(db, key, answer.page.totalRelation === 'gte')
    return answer
  }
  return { query: querySchema(grammar, true), selection: querySchema(grammar, false), all, run }
}

/** Where one condition gives the ids and the others speak of nothing else. */
const idsOf = (known: { sql: string; of: Condition['of'] }[]): Among | undefined => {
  const [first] = known.filter(({ of }) => of === 'ids')
  const others = known.filter((each) => each !== first)
  if (!first || others.some(({ of }) => of !== 'id')) return undefined
  return { ids: first.sql, where: others.map(({ sql }) => sql) }
}

// A first page that is not full is the whole list.
const isWhole = ({ cursor, offset = 0, limit }: ListQuery, rows: number): boolean =>
  !cursor && offset === 0 && rows < limit

const invalid = (faults: { code: string; parameter: string; message: string }[]): Problem =>
  new Problem(faults.some(({ code }) => code === 'unknown_parameter') ? 'unknown_parameter' : 'invalid_parameter', {
    detail: faults
      .map(({ parameter, message }) => `${parameter}: ${message}`)
      .join('; ')
      .slice(0, 1000),
    errors: faults.slice(0, 100),
  })

type Found<Row> = Row & { '~total': number; '~row': number | null; '~keys': string }

const pageOf = <Row extends object>({ limit, cursor, sort, offset = 0 }: ListQuery, found: Found<Row>[]) => {
  const total = found[0]?.['~total'] ?? 0
  const rows = found.filter((row) => row['~row'] !== null)
  const more = rows.length > limit
  const kept = rows.slice(0, limit)
  if (cursor?.backward) kept.reverse()
  const place = (row: Found<Row> | undefined, backward: boolean) =>
    row === undefined
      ? null
      : encodeCursor({ sort: sort.text, backward, values: JSON.parse(row['~keys']) as (string | null)[] })
  const hasNext = cursor?.backward ? true : more
  const hasPrevious = cursor?.backward ? more : cursor !== undefined || offset > 0
  return {
    rows: kept.map(rowOf),
    page: {
      limit,
      nextCursor: hasNext ? place(kept.at(-1), false) : null,
      prevCursor: hasPrevious ? place(kept[0], true) : null,
      total: Math.min(total, countedUpTo),
      totalRelation: total > countedUpTo ? ('gte' as const) : ('eq' as const),
    },
  }
}

const rowOf = <Row extends object>(found: Found<Row>): Row => {
  const { '~total': _total, '~row': _row, '~keys': _keys, ...row } = found
  return row as Omit<Found<Row>, '~total' | '~row' | '~keys'> & Row
}
