import type { Page } from '@clientele/contracts/page'
import type { z } from 'zod'
import { columnName } from '../data/column-name.ts'
import { isInvalidValue } from '../data/database-errors.ts'
import type { Db, Tx } from '../data/db.ts'
import { Problem } from '../runtime/problem.ts'
import type { Bind, Condition, ListContext } from './condition.ts'
import type { Filter } from './filters.ts'
import { foldText } from './fold-text.ts'
import { idFilter } from './id-filter.ts'
import { createLargeListCache } from './large-lists.ts'
import { type ListGrammar, type ListQuery, parseListQuery, type QueryError } from './query.ts'
import { type QuerySchema, querySchema } from './query-schema.ts'
import { type FoundRow, isCompleteList, toPage } from './result-page.ts'
import { orderBy, parseSort } from './sort.ts'
import { type IdSource, listStatement } from './statement.ts'

export { arrayHas, hasOneOf } from './array-filter.ts'
export {
  boolean,
  flag,
  integer,
  number,
  requiresField,
  text,
} from './filters.ts'
export { userId, uuid } from './id-filter.ts'
export { oneOf } from './one-of.ts'
export { maxLimit } from './query.ts'
export { columnBefore, time } from './time-filter.ts'

/** Options of {@link list}. SQL in them is written by the service, and never contains input of a client. */
export type ListOptions = {
  table: string
  /** The selected attributes: names, or a map to their columns, or `getAttributes()` of a Sequelize model. */
  columns: readonly string[] | Record<string, string | { field?: string | undefined }>
  /** The sortable attributes. Each needs an index on (column, id). */
  sort: readonly (string | { name: string; column: string })[]
  defaultSort: string
  filter?: Record<string, Filter>
  /** The column that `q` searches. Its text is made by `normaliseSearch`, by default {@link foldText}. */
  search?: string
  normaliseSearch?: (value: string) => string
  /** A condition on every row; a function can choose it by the query. */
  where?: string | ((query: Record<string, unknown>) => string)
  /** Additional names of parameters: `{ max_price: 'price[lte]' }`. */
  aliases?: Record<string, string>
  /** The unique column that ends every sort. Default `id`, which is also a filter: `id=a,b,c`. */
  id?: string
  /** The type of the column `id`. Default `uuid`. */
  idType?: 'uuid' | 'text'
}

/** Options of one call of `run`. `where` is an additional SQL condition. */
export type RunOptions = ListContext & { where?: string | ((bind: Bind) => string); tx?: Tx }

/** A list: `query` is for the route definition, `run` for the service. */
export type List<Row extends object> = {
  /** The parameters of a page. */
  query: QuerySchema
  /** The parameters of a page, and `others` of the route, which must not be passed to `run`. */
  queryWith(others: z.ZodRawShape): QuerySchema
  /** The parameters except `limit`, `cursor` and `offset`, for a body that selects rows. */
  selection: QuerySchema
  /**
   * Writes one statement for all rows of a selection, to read with a database cursor. Without `sort` the rows are in the order
   * of their ids.
   * @throws Problem 400
   */
  selectAll(selection: Record<string, unknown>, context?: ListContext): { sql: string; values: unknown[] }
  /** Reads one page. @throws Problem 400 for an invalid query */
  run(
    db: Db,
    query: Record<string, unknown>,
    options?: RunOptions,
  ): Promise<{ rows: Row[]; page: Page<unknown>['page'] }>
}

const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

const columnsOf = (columns: ListOptions['columns']): [attribute: string, column: string][] => {
  if (Array.isArray(columns)) return columns.map((name: string) => [name, columnName(name)])
  return Object.entries(columns).map(([name, column]) => [
    name,
    typeof column === 'string' ? column : (column.field ?? columnName(name)),
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
  idType = 'uuid',
}: ListOptions): ListGrammar => ({
  id,
  sort: new Map(
    sort.map((field) => (typeof field === 'string' ? [field, columnName(field)] : [field.name, field.column])),
  ),
  defaultSort,
  filters: new Map(
    Object.entries({ ...(id === 'id' && { id: idFilter(idType) }), ...filter }).map(([name, field]) => [
      name,
      { filter: field, column: field.column ?? columnName(name) },
    ]),
  ),
  search: search === undefined ? undefined : { column: search, normalise: normaliseSearch },
  aliases: new Map(Object.entries(aliases)),
})

/**
 * Declares a list with filters, free text, sorting, keyset and offset paging, and a total that is counted up to 10,000. Every
 * other parameter is a 400. `Row` has the attributes of `columns`, with the types that pg returns.
 * @example
 * const customerList = list<CustomerRow>({
 *   table: 'customers',
 *   columns: customerAttributes,
 *   sort: ['createdAt', 'surname'],
 *   defaultSort: '-createdAt',
 *   filter: { surname: text(), createdAt: time() },
 * })
 */
export const list = <Row extends object = Record<string, unknown>>(options: ListOptions): List<Row> => {
  const grammar = grammarOf(options)
  parseSort(options.defaultSort, grammar.sort, grammar.id)
  const selected = columnsOf(options.columns).map(
    ([name, column]) => `${quoteIdentifier(column)} as ${quoteIdentifier(name)}`,
  )

  const largeLists = createLargeListCache()

  const parseQuery = (record: Record<string, unknown>): ListQuery => {
    const { query, errors } = parseListQuery(grammar, record)
    if (errors.length > 0) throw invalidQuery(errors)
    return query
  }
  const baseCondition = (record: Record<string, unknown>): string | undefined =>
    typeof options.where === 'function' ? options.where(record) : options.where

  const selectAll: List<Row>['selectAll'] = (record, context = {}) => {
    const query = parseQuery(record)
    const values: unknown[] = []
    const bind: Bind = (value) => `$${values.push(value)}`
    const conditions = [
      baseCondition(record),
      ...query.conditions.map((condition) => {
        const sql = condition(bind, context)
        return condition.kind === 'idQuery' ? `${grammar.id} in (${sql})` : sql
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
    const query = parseQuery(record)
    const values: unknown[] = []
    const bind: Bind = (value) => `$${values.push(value)}`
    const base = baseCondition(record)
    const callerCondition = typeof where === 'function' ? where(bind) : where
    const { id } = grammar
    const toSql = (conditions: Condition[]) =>
      conditions.map((condition) => ({ sql: condition(bind, context), kind: condition.kind }))
    const exact = toSql(query.conditions.filter((condition) => !condition.isEstimated))
    const exactConditions = [
      base,
      callerCondition,
      ...exact.map(({ sql, kind }) => (kind === 'idQuery' ? `${id} in (${sql} order by 1 desc)` : sql)),
    ].filter((sql) => sql !== undefined)
    const estimated = toSql(query.conditions.filter((condition) => condition.isEstimated))
    const estimatedConditions = estimated.map(({ sql }) => sql)
    const key = JSON.stringify([exactConditions, estimatedConditions, values])
    const isLarge = largeLists.has(db, key)
    const sortColumn = query.sort.keys[0]?.column ?? id
    const impliedConditions = query.conditions.flatMap(
      (condition) => condition.implies?.(bind, context, sortColumn) ?? [],
    )
    const onlyOnIds = base === undefined && callerCondition === undefined && estimatedConditions.length === 0
    const sql = listStatement({
      table: options.table,
      selected,
      exactConditions,
      estimatedConditions,
      impliedConditions,
      idSource: onlyOnIds ? idSourceOf(exact) : undefined,
      query,
      bind,
      id,
      isLarge,
    })
    const found = await db.query<FoundRow<Row>>(sql, values, { tx }).catch((error: unknown) => {
      // Only a forged cursor can contain such a value; filters have checked theirs.
      throw isInvalidValue(error)
        ? invalidQuery([
            { code: 'invalid_parameter', parameter: query.cursor ? 'cursor' : 'query', message: 'is not valid' },
          ])
        : error
    })
    const result = toPage(query, found)
    if (isLarge && isCompleteList(query, result.rows.length)) {
      largeLists.set(db, key, false)
      return run(db, record, { where, tx, ...context })
    }
    if (!isLarge) largeLists.set(db, key, result.page.totalRelation === 'gte')
    return result
  }
  return {
    query: querySchema(grammar, true),
    queryWith: (others) => querySchema(grammar, true, others),
    selection: querySchema(grammar, false),
    selectAll,
    run,
  }
}

/** Returns the id source if one condition is an id query and all others use only the id. */
const idSourceOf = (conditions: { sql: string; kind: Condition['kind'] }[]): IdSource | undefined => {
  const [first] = conditions.filter(({ kind }) => kind === 'idQuery')
  const others = conditions.filter((condition) => condition !== first)
  if (!first || others.some(({ kind }) => kind !== 'idCondition')) return undefined
  return { ids: first.sql, where: others.map(({ sql }) => sql) }
}

const invalidQuery = (errors: QueryError[]): Problem =>
  new Problem(errors.some(({ code }) => code === 'unknown_parameter') ? 'unknown_parameter' : 'invalid_parameter', {
    detail: errors
      .map(({ parameter, message }) => `${parameter}: ${message}`)
      .join('; ')
      .slice(0, 1000),
    errors: errors.slice(0, 100),
  })
