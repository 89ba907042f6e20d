import type { Condition } from './condition.ts'
import { type Cursor, decodeCursor } from './cursor.ts'
import { type Filter, FilterError, maxValues, type Operator, type Search } from './filters.ts'
import type { KeyedFilter } from './json-filter.ts'
import { parseSearch, type TextSearch } from './search.ts'
import { parseSort, type SortKey } from './sort.ts'
import { answers, countLimits, defaultCountLimit, type Total } from './total.ts'

/** The parameters of a list, with their columns in SQL. */
export type ListGrammar = {
  id: string
  sort: ReadonlyMap<string, string>
  defaultSort: string
  filters: ReadonlyMap<string, { filter: Filter; column: string }>
  keyed: ReadonlyMap<string, { filter: KeyedFilter; column: string }>
  search: Search | undefined
  aliases: ReadonlyMap<string, string>
}

/** An error of one parameter, which is named as the client has written it. */
export type QueryError = { code: 'unknown_parameter' | 'invalid_parameter'; parameter: string; message: string }

/**
 * A parsed query. `conditions` are those of its filters, `search` is that of `q`. With `isByRelevance` the rows are in the order of
 * the tiers of `search`, and within a tier in that of `sort.keys`. Rows are counted up to `countLimit`; it is 0 if nobody asks for a
 * total, or if the cursor has it: `knownTotal`.
 */
export type ListQuery = {
  limit: number
  offset: number | undefined
  cursor: Cursor | undefined
  sort: { text: string; keys: SortKey[]; isByRelevance: boolean }
  conditions: Condition[]
  search: TextSearch | undefined
  countLimit: number
  knownTotal: Total | undefined
}

/** The value of `sort` for the best matches of `q` first. */
export const byRelevance = 'relevance'

/**
 * How far a list counts: `total=exact` or `total=none`. In a list with a filter of this name, every other value is one of the
 * filter.
 */
export const totalParameter = 'total'
/** The values of {@link totalParameter}. */
export const totalValues = Object.keys(countLimits)
const isCountLimit = (value: string): value is keyof typeof countLimits => totalValues.includes(value)

export const defaultLimit = 50
export const maxLimit = 200
export const maxOffset = 10_000

/** Parses the parameters of a list, such as `{ 'createdAt[gte]': '2026-01-01', limit: '10' }`, and collects all errors. */
export const parseListQuery = (
  grammar: ListGrammar,
  record: Record<string, unknown>,
): { query: ListQuery; errors: QueryError[] } => {
  const errors: QueryError[] = []
  const parsed: ParsedQuery = {
    // A page has room for all rows that are named.
    limit: record['id'] === undefined ? defaultLimit : maxValues,
    offset: undefined,
    cursor: undefined,
    sort: undefined,
    conditions: [],
    search: undefined,
    countLimit: defaultCountLimit,
    knownTotal: undefined,
  }
  const seen = new Set<string>()
  for (const [parameter, value] of entriesOf(grammar, record)) {
    if (value === undefined) continue
    const name = grammar.aliases.get(parameter) ?? parameter
    const addError = (code: QueryError['code'], message: string) =>
      errors.push({ code, parameter: printableName(parameter), message })
    if (seen.has(name)) addError('invalid_parameter', 'is given more than once under different names')
    seen.add(name)
    catchFilterError(
      () => {
        if (parseParameter(grammar, parsed, name, textOf(value))) return
        addError(
          'unknown_parameter',
          `is not a known parameter; known parameters: ${knownParameters(grammar).join(', ')}`,
        )
      },
      (message) => addError('invalid_parameter', message),
    )
  }
  const addInvalid = (parameter: string, message: string) =>
    errors.push({ code: 'invalid_parameter', parameter, message })
  if (parsed.cursor && parsed.offset !== undefined) addInvalid('offset', 'cannot be used together with cursor')
  const text = parsed.sort ?? parsed.cursor?.sort ?? grammar.defaultSort
  const isByRelevance = text === byRelevance && grammar.search !== undefined
  const sort: ListQuery['sort'] = { text, keys: [], isByRelevance }
  catchFilterError(
    () => {
      sort.keys = parseSort(isByRelevance ? grammar.defaultSort : text, grammar.sort, grammar.id)
      if (isByRelevance) checkRelevance(parsed)
    },
    (message) => addInvalid(parsed.sort === undefined ? 'cursor' : 'sort', message),
  )
  const mismatch = cursorMismatch(parsed, sort)
  if (mismatch !== undefined) addInvalid('cursor', mismatch)
  return { query: { ...parsed, ...totalFrom(parsed), sort }, errors }
}

/** Takes the total from the cursor, if it is as good as a count. */
const totalFrom = ({ cursor, countLimit }: ParsedQuery): Pick<ListQuery, 'countLimit' | 'knownTotal'> => {
  const isKnown = countLimit > 0 && cursor?.total !== undefined && answers(cursor.total, countLimit)
  return isKnown ? { countLimit: 0, knownTotal: cursor.total } : { countLimit, knownTotal: undefined }
}

/** Returns the parameters. In a body, values by key may be an object: `{ metadata: { source: 'fair' } }`. */
const entriesOf = ({ keyed }: ListGrammar, record: Record<string, unknown>): [string, unknown][] =>
  Object.entries(record).flatMap(([name, value]): [string, unknown][] => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return keyed.has(name) && isObject
      ? Object.entries(value).map(([key, each]) => [`${name}.${key}`, each])
      : [[name, value]]
  })

const escapeCommas = (value: string): string => value.replace(/[\\,]/g, '\\$&')

/** Returns a value as it is written in a URL. A filter in a body may have booleans, numbers and arrays. @throws FilterError */
const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || typeof value === 'number') return String(value)
  const isList = Array.isArray(value) && value.length > 0 && value.every((each) => !Array.isArray(each))
  if (!isList) throw new FilterError('must be a text, a number, true, false or an array of those')
  return value.map((each) => escapeCommas(textOf(each))).join(',')
}

/** A query while it is parsed; `sort` is the value of the parameter. */
type ParsedQuery = Omit<ListQuery, 'sort'> & { sort: string | undefined }

/** Runs `parse` and reports the message of a {@link FilterError}. Any other error is thrown. */
const catchFilterError = (parse: () => void, report: (message: string) => void): void => {
  try {
    parse()
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    report(error.message)
  }
}

/** Adds a parameter to the query. @returns false for an unknown parameter. @throws FilterError */
const parseParameter = (grammar: ListGrammar, query: ParsedQuery, name: string, value: string): boolean => {
  if (name === 'limit') query.limit = parseInteger(value, 1, maxLimit)
  else if (name === 'offset') query.offset = parseInteger(value, 0, maxOffset)
  else if (name === 'cursor') query.cursor = decodeCursor(value)
  else if (name === 'sort') query.sort = value
  else if (name === totalParameter && isCountLimit(value)) query.countLimit = countLimits[value]
  else if (name === 'q' && grammar.search !== undefined) query.search = parseSearch(grammar.search, value)
  else {
    const condition = parseFilter(grammar, name, value) ?? parseKeyed(grammar, name, value)
    if (!condition && name === totalParameter) throw new FilterError(`must be ${totalValues.join(' or ')}`)
    if (!condition) return false
    query.conditions.push(condition)
  }
  return true
}

/** @throws FilterError if the query cannot be sorted by relevance */
const checkRelevance = ({ search, offset }: ParsedQuery): void => {
  if (!search || search.match.length === 0) throw new FilterError(`${byRelevance} needs q with at least one word`)
  if (offset !== undefined) throw new FilterError(`${byRelevance} has no offset; use cursor`)
}

/** Returns why a cursor does not fit the sort, or undefined if it does. An invalid sort has no keys. */
const cursorMismatch = (
  { cursor, sort: parameter }: ParsedQuery,
  { keys, isByRelevance }: ListQuery['sort'],
): string | undefined => {
  if (!cursor) return undefined
  if (parameter !== undefined && cursor.sort !== parameter) return 'belongs to another sort'
  // By relevance, the first value is the tier.
  const length = keys.length + (isByRelevance ? 1 : 0)
  const isTier = !isByRelevance || /^[0-2]$/.test(cursor.values[0] ?? '')
  if (keys.length > 0 && (cursor.values.length !== length || !isTier)) return 'is not a cursor of this list'
  return undefined
}

/** Returns the names of all parameters, with the operators of filters: `price[ne|gt|gte]`. */
const knownParameters = ({ filters, keyed, search, aliases }: ListGrammar): string[] => [
  ...(search === undefined ? [] : ['q']),
  ...[...filters].map(([name, { filter }]) => {
    const others = filter.operators.filter((operator) => operator !== 'eq')
    return others.length === 0 ? name : `${name}[${others.join('|')}]`
  }),
  ...[...keyed.keys()].map((name) => `${name}.<key>`),
  ...aliases.keys(),
  'sort',
  'limit',
  'cursor',
  'offset',
  ...(filters.has(totalParameter) ? [] : [totalParameter]),
]

const printableName = (name: string): string => name.toWellFormed().slice(0, 100)

const parseInteger = (value: string, min: number, max: number): number => {
  const number = /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= min && number <= max)) throw new FilterError(`must be a whole number from ${min} to ${max}`)
  return number
}

const parseFilter = (grammar: ListGrammar, name: string, value: string): Condition | undefined => {
  const [, field, operator = 'eq'] = /^([A-Za-z][\w.]*)(?:\[(\w+)\])?$/.exec(name) ?? []
  const match = field === undefined ? undefined : grammar.filters.get(field)
  if (!match?.filter.operators.includes(operator as Operator)) return undefined
  try {
    return match.filter.parse(operator as Operator, value, match.column, grammar.search)
  } catch (error) {
    if (name !== totalParameter || !(error instanceof FilterError)) throw error
    throw new FilterError(`${error.message}, or ${totalValues.join(' or ')}`)
  }
}

const parseKeyed = (grammar: ListGrammar, name: string, value: string): Condition | undefined => {
  const [, field = '', inBrackets, afterDot] = /^(\w+)(?:\[(.*)\]|\.(.*))$/s.exec(name) ?? []
  const match = grammar.keyed.get(field)
  return match?.filter.parse(inBrackets ?? afterDot ?? '', value, match.column)
}
