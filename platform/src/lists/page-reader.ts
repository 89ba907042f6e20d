import { isInvalidValue } from '../data/database-errors.ts'
import type { Db, Tx } from '../data/db.ts'
import { all, type Bind, type Condition, type ListContext } from './condition.ts'
import { createLargeListCache } from './large-lists.ts'
import type { ListQuery } from './query.ts'
import { invalidQuery } from './query-problem.ts'
import { type FoundRow, isCompleteList } from './result-page.ts'
import { createSampler } from './sampled-size.ts'
import { countStatement, type IdSource, listStatement } from './statement.ts'
import { type Total, totalOf } from './total.ts'

/** What a page is read from, besides its query. `base` is the condition of the list, `where` that of the caller. */
export type ReadOptions = ListContext & {
  base: string | undefined
  where?: string | ((bind: Bind) => string) | undefined
  tx?: Tx | undefined
}
/**
 * The rows of a page, one more than it has room for if there are more. `total` is undefined if the query asks for none. `isEmpty`: the
 * list has no rows at all.
 */
export type Found<Row> = { rows: FoundRow<Row>[]; total: Total | undefined; isEmpty: boolean }
/** The parts of a query that select, sort and count rows. */
type PageQuery = Pick<ListQuery, 'limit' | 'offset' | 'cursor' | 'sort' | 'conditions' | 'countLimit'>

export type PageReader<Row> = {
  page(db: Db, query: PageQuery, options: ReadOptions): Promise<Found<Row>>
  /** Reads a page in the order of `first`, an expression, and then in that of the sort; undefined if there are too many rows to sort. */
  sortedPage(db: Db, query: PageQuery, first: Condition, options: ReadOptions): Promise<Found<Row> | undefined>
  total(db: Db, query: PageQuery, options: ReadOptions): Promise<Total | undefined>
}

const firstKey = '"~first"'

/** Returns the id source if one condition is an id query and all others use only the id. */
const idSourceOf = (conditions: { sql: string; kind: Condition['kind'] }[]): IdSource | undefined => {
  const [first] = conditions.filter(({ kind }) => kind === 'idQuery')
  const others = conditions.filter((condition) => condition !== first)
  if (!first || others.some(({ kind }) => kind !== 'idCondition')) return undefined
  return { ids: first.sql, where: others.map(({ sql }) => sql) }
}

/** Creates what reads the pages and the totals of a list. */
export const createPageReader = <Row extends object>(options: {
  table: string
  id: string
  selected: string[]
}): PageReader<Row> => {
  const { table, id } = options
  const largeLists = createLargeListCache()
  const sampler = createSampler(table)

  const prepare = (query: PageQuery, { base, where, ...context }: ReadOptions) => {
    const values: unknown[] = []
    const bind: Bind = (value) => `$${values.push(value)}`
    const callerCondition = typeof where === 'function' ? where(bind) : where
    const toSql = (conditions: Condition[]) =>
      conditions.map((condition) => ({ sql: condition(bind, context), kind: condition.kind }))
    const exact = toSql(query.conditions.filter((condition) => !condition.isEstimated))
    const exactConditions = [
      base,
      callerCondition,
      ...exact.map(({ sql, kind }) => (kind === 'idQuery' ? `${id} in (${sql} order by 1 desc)` : sql)),
    ].filter((sql) => sql !== undefined)
    const estimatedConditions = toSql(query.conditions.filter((condition) => condition.isEstimated)).map(
      ({ sql }) => sql,
    )
    const onlyOnIds = base === undefined && callerCondition === undefined && estimatedConditions.length === 0
    const key = JSON.stringify([exactConditions, estimatedConditions, values])
    return {
      values,
      bind,
      key,
      exactConditions,
      estimatedConditions,
      idSource: onlyOnIds ? idSourceOf(exact) : undefined,
    }
  }
  type Prepared = ReturnType<typeof prepare>

  /** Whether the list is known to have more rows than are counted, so that it need not be counted, nor sorted. */
  const isKnownLarge = async (db: Db, prepared: Prepared, countLimit: number, tx: Tx | undefined): Promise<boolean> => {
    const { key, values, exactConditions, estimatedConditions } = prepared
    if (estimatedConditions.length === 0) return countLimit > 0 && largeLists.has(db, key, countLimit)
    if (largeLists.has(db, key, countLimit)) return true
    const where = all(...exactConditions, ...estimatedConditions)
    const bound = await sampler.bound(db, { where, values, tx })
    if (bound === undefined || bound < countLimit) return false
    largeLists.set(db, key, bound)
    return true
  }

  const readRows = (db: Db, sql: string, values: unknown[], { cursor }: PageQuery, tx: Tx | undefined) =>
    db.query<FoundRow<Row>>(sql, values, { tx }).catch((error: unknown) => {
      // Only a forged cursor can contain such a value; filters have checked theirs.
      throw isInvalidValue(error)
        ? invalidQuery([{ code: 'invalid_parameter', parameter: cursor ? 'cursor' : 'query', message: 'is not valid' }])
        : error
    })

  /** Stores whether a list is large, once it was counted up to one more than `limit`. */
  const rememberSize = (db: Db, key: string, counted: number, limit: number) =>
    largeLists.set(db, key, counted > limit && limit)

  const page: PageReader<Row>['page'] = async (db, query, read) => {
    const { tx, base: _base, where: _where, ...context } = read
    const prepared = prepare(query, read)
    const { key, values, bind, estimatedConditions } = prepared
    const isLarge = await isKnownLarge(db, prepared, query.countLimit, tx)
    const countLimit = isLarge ? 0 : query.countLimit
    const sortLimit = isLarge || estimatedConditions.length === 0 ? 0 : await sampler.sortLimit(db, tx)
    const sortColumn = query.sort.keys[0]?.column ?? id
    const impliedConditions = query.conditions.flatMap(
      (condition) => condition.implies?.(bind, context, sortColumn) ?? [],
    )
    const sql = listStatement({ ...options, ...prepared, impliedConditions, query, countLimit, sortLimit })
    const found = await readRows(db, sql, values, query, tx)
    const rows = found.filter((row) => row['~row'] !== null)
    const limit = Math.max(countLimit, sortLimit)
    const isComplete = isCompleteList(query, rows.length)
    const counted = isComplete ? rows.length : (found[0]?.['~total'] ?? Number.POSITIVE_INFINITY)
    if (limit > 0) rememberSize(db, key, counted, limit)
    else if (isLarge && isComplete) largeLists.set(db, key, false)
    return { rows, total: totalOf(counted, query.countLimit), isEmpty: counted === 0 }
  }

  const sortedPage: PageReader<Row>['sortedPage'] = async (db, query, first, read) => {
    const { tx, base: _base, where: _where, ...context } = read
    const prepared = prepare(query, read)
    const { key, values, bind } = prepared
    const { countLimit, sort } = query
    if (await isKnownLarge(db, prepared, countLimit, tx)) return undefined
    const sortLimit = await sampler.sortLimit(db, tx)
    const keys = [{ column: firstKey, descending: false }, ...sort.keys]
    const sql = listStatement({
      ...options,
      ...prepared,
      table: `(select *, ${first(bind, context)} as ${firstKey} from ${table}) ${table}`,
      impliedConditions: [],
      query: { ...query, sort: { ...sort, keys } },
      countLimit,
      sortLimit,
      mustSort: true,
    })
    const found = await readRows(db, sql, values, query, tx)
    const counted = found[0]?.['~total'] ?? 0
    const limit = Math.max(countLimit, sortLimit)
    rememberSize(db, key, counted, limit)
    if (counted > limit) return undefined
    const rows = found.filter((row) => row['~row'] !== null)
    return { rows, total: totalOf(counted, countLimit), isEmpty: counted === 0 }
  }

  const total: PageReader<Row>['total'] = async (db, query, read) => {
    const { countLimit } = query
    if (countLimit === 0) return undefined
    const prepared = prepare(query, read)
    const { key, values, exactConditions, estimatedConditions } = prepared
    if (await isKnownLarge(db, prepared, countLimit, read.tx)) return totalOf(Number.POSITIVE_INFINITY, countLimit)
    const sql = countStatement(table, all(...exactConditions, ...estimatedConditions), countLimit)
    const [row] = await db.query<{ total: number }>(sql, values, { tx: read.tx })
    const counted = row?.total ?? 0
    rememberSize(db, key, counted, countLimit)
    return totalOf(counted, countLimit)
  }

  return { page, sortedPage, total }
}
