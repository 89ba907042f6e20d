import { isInvalidValue } from '../data/database-errors.ts'
import type { Db, Tx } from '../data/db.ts'
import { all, type Bind, type Condition, type ListContext } from './condition.ts'
import { createLargeListCache } from './large-lists.ts'
import type { ListQuery } from './query.ts'
import { invalidQuery } from './query-problem.ts'
import { countedTotal, type FoundRow, isCompleteList, type Total } from './result-page.ts'
import { createSampler } from './sampled-size.ts'
import { countStatement, type IdSource, listStatement, maxCounted } from './statement.ts'

/** What a page is read from, besides its query. `base` is the condition of the list, `where` that of the caller. */
export type ReadOptions = ListContext & {
  base: string | undefined
  where?: string | ((bind: Bind) => string) | undefined
  tx?: Tx | undefined
}
type Found<Row> = { found: FoundRow<Row>[]; total: Total }
/** The parts of a query that select and sort rows. */
type PageQuery = Pick<ListQuery, 'limit' | 'offset' | 'cursor' | 'sort' | 'conditions'>

export type PageReader<Row> = {
  page(db: Db, query: PageQuery, options: ReadOptions): Promise<Found<Row>>
  total(db: Db, query: PageQuery, options: ReadOptions): Promise<Total>
}

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

  /** Returns a number of rows that the list is known to exceed. */
  const knownBound = async (db: Db, prepared: Prepared, tx: Tx | undefined): Promise<number | undefined> => {
    const { key, values, exactConditions, estimatedConditions } = prepared
    if (largeLists.has(db, key)) return largeLists.boundOf(db, key)
    if (estimatedConditions.length === 0) return undefined
    const where = all(...exactConditions, ...estimatedConditions)
    const bound = await sampler.bound(db, { where, values, tx })
    if (bound !== undefined) largeLists.set(db, key, bound)
    return bound
  }

  const readPage = async (db: Db, query: PageQuery, read: ReadOptions, mayBeLarge = true): Promise<Found<Row>> => {
    const { tx, base: _base, where: _where, ...context } = read
    const prepared = prepare(query, read)
    const { key, values, bind } = prepared
    const bound = mayBeLarge ? await knownBound(db, prepared, tx) : undefined
    const isLarge = bound !== undefined
    const sortColumn = query.sort.keys[0]?.column ?? id
    const impliedConditions = query.conditions.flatMap(
      (condition) => condition.implies?.(bind, context, sortColumn) ?? [],
    )
    const sql = listStatement({ ...options, ...prepared, impliedConditions, query, isLarge })
    const found = await db.query<FoundRow<Row>>(sql, values, { tx }).catch((error: unknown) => {
      // Only a forged cursor can contain such a value; filters have checked theirs.
      throw isInvalidValue(error)
        ? invalidQuery([
            { code: 'invalid_parameter', parameter: query.cursor ? 'cursor' : 'query', message: 'is not valid' },
          ])
        : error
    })
    const rows = found.filter((row) => row['~row'] !== null)
    if (isLarge && isCompleteList(query, rows.length)) {
      largeLists.set(db, key, false)
      return readPage(db, query, read, false)
    }
    if (isLarge) return { found: rows, total: { total: bound, isExact: false } }
    const counted = found[0]?.['~total'] ?? 0
    largeLists.set(db, key, counted > maxCounted && maxCounted)
    return { found: rows, total: countedTotal(counted) }
  }

  const total = async (db: Db, query: PageQuery, read: ReadOptions): Promise<Total> => {
    const prepared = prepare(query, read)
    const { key, values, exactConditions, estimatedConditions } = prepared
    const bound = await knownBound(db, prepared, read.tx)
    if (bound !== undefined) return { total: bound, isExact: false }
    const sql = countStatement(table, all(...exactConditions, ...estimatedConditions))
    const [row] = await db.query<{ total: number }>(sql, values, { tx: read.tx })
    const counted = row?.total ?? 0
    largeLists.set(db, key, counted > maxCounted && maxCounted)
    return countedTotal(counted)
  }

  return { page: (db, query, read) => readPage(db, query, read), total }
}
