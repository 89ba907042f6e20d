import type { Page } from '@clientele/contracts/page'
import type { z } from 'zod'
import { columnName } from '../data/column-name.ts'
import type { Db, Tx } from '../data/db.ts'
import { all, type Bind, type Condition, type ListContext } from './condition.ts'
import type { Filter, Search } from './filters.ts'
import { idFilter } from './id-filter.ts'
import type { KeyedFilter } from './json-filter.ts'
import { createLookup } from './lookup.ts'
import { createPageReader } from './page-reader.ts'
import { createPages } from './pages.ts'
import { type ListGrammar, type ListQuery, parseListQuery } from './query.ts'
import { invalidQuery } from './query-problem.ts'
import { type QuerySchema, type QuerySchemaWith, querySchema } from './query-schema.ts'
import { allOf, tierColumn } from './search.ts'
import { orderBy, parseSort } from './sort.ts'
import { removeAccents } from './words/fold-text.ts'
import { createVocabulary } from './words/vocabulary.ts'

export { arrayHas, hasOneOf } from './array-filter.ts'
export {
  boolean,
  flag,
  integer,
  number,
  requiresField,
} from './filters.ts'
export { userId, uuid } from './id-filter.ts'
export { jsonText, jsonValues } from './json-filter.ts'
export { oneOf } from './one-of.ts'
export { maxLimit } from './query.ts'
export { text } from './text-filter.ts'
export { columnBefore, readTime, time } from './time-filter.ts'

/** Options of {@link list}. SQL in them is written by the service, and never contains input of a client. */
export type ListOptions = {
  table: string
  /** The selected attributes: names, or a map to their columns, or `getAttributes()` of a Sequelize model. */
  columns: readonly string[] | Record<string, string | { field?: string | undefined }>
  /**
   * The sortable attributes. Each needs an index on (column, id). A text with the filter `text({ sorted: true })` is in the order of
   * `inTextOrder`, and its index too.
   */
  sort: readonly (string | { name: string; column: string })[]
  defaultSort: string
  filter?: Record<string, Filter>
  /** Filters whose parameters name a key. */
  keyed?: Record<string, KeyedFilter>
  /**
   * The column that `q` searches. Its text is made by `searchTextOf`, or by `normaliseSearch`. `padded` is an expression with a trigram
   * index, whose text begins and ends with a space.
   */
  search?: string | { padded: string }
  normaliseSearch?: (value: string) => string
  /** Whether the searched text contains telephone numbers in E.164. `q` then finds them in any notation. */
  searchesTelephones?: boolean
  /**
   * The columns with names. If `q` finds nothing, each of its words of four letters or more may be a word of a name with one typing
   * error. It works in pages only, not in a selection of all rows.
   */
  similarNames?: readonly string[]
  /**
   * The conditions that find the rows of which the whole text of `q` is the code, the number or another unique value. If they find
   * any, `q` finds only these. They need an index.
   */
  lookup?: (text: string) => Condition[]
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
  /** The parameters of a page, and others of the route. Pass only the first to `run`. */
  queryWith<Others extends z.ZodRawShape>(others: Others): QuerySchemaWith<Others>
  /** The parameters except `limit`, `cursor`, `offset` and `total`, for a body that selects rows. */
  selection: QuerySchema
  /**
   * Writes the condition of a selection, for a statement of the service.
   * @throws Problem 400
   */
  where(selection: Record<string, unknown>, bind: Bind, context?: ListContext): string
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

const searchOf = (options: ListOptions): Search | undefined => {
  const { search, normaliseSearch, searchesTelephones = false, similarNames } = options
  if (search === undefined) return undefined
  return {
    column: typeof search === 'string' ? search : search.padded,
    normalise: normaliseSearch ?? removeAccents,
    isPadded: typeof search !== 'string',
    isFolded: normaliseSearch === undefined,
    hasTelephones: searchesTelephones,
    toleratesErrors: similarNames !== undefined,
  }
}

const sortsOf = ({ sort, filter = {} }: ListOptions): ListGrammar['sort'] =>
  new Map(
    sort.map((field) => {
      const { name, column } = typeof field === 'string' ? { name: field, column: columnName(field) } : field
      return [name, filter[name]?.sortedAs?.(column) ?? column]
    }),
  )

const grammarOf = (options: ListOptions): ListGrammar => {
  const { defaultSort, filter = {}, keyed = {}, aliases = {}, id = 'id', idType = 'uuid' } = options
  return {
    id,
    sort: sortsOf(options),
    defaultSort,
    filters: new Map(
      Object.entries({ ...(id === 'id' && { id: idFilter(idType) }), ...filter }).map(([name, field]) => [
        name,
        { filter: field, column: field.column ?? columnName(name) },
      ]),
    ),
    keyed: new Map(
      Object.entries(keyed).map(([name, field]) => [name, { filter: field, column: field.column ?? columnName(name) }]),
    ),
    search: searchOf(options),
    aliases: new Map(Object.entries(aliases)),
  }
}

/**
 * Declares a list with filters, free text, sorting, keyset and offset paging, and a total that is counted up to 1,000 unless
 * the parameter `total` says otherwise. Every other parameter is a 400. `Row` has the attributes of `columns`, with the types that pg returns.
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

  const parseQuery = (record: Record<string, unknown>): ListQuery => {
    const { query, errors } = parseListQuery(grammar, record)
    if (errors.length > 0) throw invalidQuery(errors)
    return query
  }
  const baseCondition = (record: Record<string, unknown>): string | undefined =>
    typeof options.where === 'function' ? options.where(record) : options.where

  const conditionOf = (query: ListQuery, record: Record<string, unknown>, bind: Bind, context: ListContext): string => {
    const base = baseCondition(record)
    const { search } = query
    const match = search && (lookup?.condition(search, base) ?? allOf(search.match))
    const conditions = [
      base,
      match?.(bind, context),
      ...query.conditions.map((condition) => {
        const sql = condition(bind, context)
        return condition.kind === 'idQuery' ? `${grammar.id} in (${sql})` : sql
      }),
    ]
    return all(...conditions.filter((sql) => sql !== undefined))
  }

  const selectAll: List<Row>['selectAll'] = (record, context = {}) => {
    const query = parseQuery(record)
    const values: unknown[] = []
    const bind: Bind = (value) => `$${values.push(value)}`
    const where = conditionOf(query, record, bind, context)
    const keys = record['sort'] === undefined ? [{ column: grammar.id, descending: false }] : query.sort.keys
    const tier = query.sort.isByRelevance && query.search ? `${tierColumn(query.search, bind, context)}, ` : ''
    return {
      sql: `select ${selected.join(', ')} from ${options.table} where ${where} order by ${tier}${orderBy(keys)}`,
      values,
    }
  }

  const reader = createPageReader<Row>({ table: options.table, id: grammar.id, selected })
  const lookup = options.lookup && createLookup({ ...options, lookup: options.lookup, id: grammar.id })

  const vocabulary =
    options.similarNames && createVocabulary({ ...options, columns: options.similarNames, where: baseCondition({}) })
  const pages = createPages<Row>({ reader, search: grammar.search, vocabulary })

  const run: List<Row>['run'] = async (db, record, { where, tx, ...context } = {}) => {
    const query = parseQuery(record)
    const base = baseCondition(record)
    const search = (await lookup?.find(db, query.search, base, tx)) ?? query.search
    return pages.read(db, query, search, { base, where, tx, ...context })
  }
  return {
    query: querySchema(grammar, true),
    queryWith: <Others extends z.ZodRawShape>(others: Others): QuerySchemaWith<Others> => {
      const schema: z.ZodType = querySchema(grammar, true, others)
      return schema as QuerySchemaWith<Others>
    },
    selection: querySchema(grammar, false),
    where: (record, bind, context = {}) => conditionOf(parseQuery(record), record, bind, context),
    selectAll,
    run,
  }
}
