import { type Condition, markEstimated } from './condition.ts'
import { type Cursor, decodeCursor } from './cursor.ts'
import {
  checkText,
  escapeLike,
  type Filter,
  FilterError,
  maxValues,
  type Operator,
  type Search,
  wordPrefixCondition,
} from './filters.ts'
import { parseSort, type SortKey } from './sort.ts'

/** The parameters of a list, with their columns in SQL. */
export type ListGrammar = {
  id: string
  sort: ReadonlyMap<string, string>
  defaultSort: string
  filters: ReadonlyMap<string, { filter: Filter; column: string }>
  search: Search | undefined
  /** The conditions of a `q` that has the form of a unique value, such as an order number. */
  lookup: ((text: string) => Condition[]) | undefined
  aliases: ReadonlyMap<string, string>
}

/** An error of one parameter, which is named as the client has written it. */
export type QueryError = { code: 'unknown_parameter' | 'invalid_parameter'; parameter: string; message: string }

/** A parsed query. */
export type ListQuery = {
  limit: number
  offset: number | undefined
  cursor: Cursor | undefined
  sort: { text: string; keys: SortKey[] }
  conditions: Condition[]
}

export const defaultLimit = 50
export const maxLimit = 200
export const maxOffset = 10_000
const maxWords = 10

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
  }
  const seen = new Set<string>()
  for (const [parameter, value] of Object.entries(record)) {
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
  const sort: ListQuery['sort'] = { text: parsed.sort ?? parsed.cursor?.sort ?? grammar.defaultSort, keys: [] }
  catchFilterError(
    () => {
      sort.keys = parseSort(sort.text, grammar.sort, grammar.id)
    },
    (message) => addInvalid(parsed.sort === undefined ? 'cursor' : 'sort', message),
  )
  const mismatch = cursorMismatch(parsed, sort.keys)
  if (mismatch !== undefined) addInvalid('cursor', mismatch)
  return { query: { ...parsed, sort }, errors }
}

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
  else if (name === 'q' && grammar.search !== undefined)
    query.conditions.push(...searchConditions(grammar.search, value, grammar.lookup))
  else {
    const condition = parseFilter(grammar, name, value)
    if (!condition) return false
    query.conditions.push(condition)
  }
  return true
}

/** Returns why a cursor does not fit the sort, or undefined if it does. An invalid sort has no keys. */
const cursorMismatch = ({ cursor, sort }: ParsedQuery, keys: readonly SortKey[]): string | undefined => {
  if (!cursor) return undefined
  if (sort !== undefined && cursor.sort !== sort) return 'belongs to another sort'
  if (keys.length > 0 && cursor.values.length !== keys.length) return 'is not a cursor of this list'
  return undefined
}

/** Returns the names of all parameters, with the operators of filters: `price[ne|gt|gte]`. */
const knownParameters = ({ filters, search, aliases }: ListGrammar): string[] => [
  ...(search === undefined ? [] : ['q']),
  ...[...filters].map(([name, { filter }]) => {
    const others = filter.operators.filter((operator) => operator !== 'eq')
    return others.length === 0 ? name : `${name}[${others.join('|')}]`
  }),
  ...aliases.keys(),
  'sort',
  'limit',
  'cursor',
  'offset',
]

const printableName = (name: string): string => name.toWellFormed().slice(0, 100)

const parseInteger = (value: string, min: number, max: number): number => {
  const number = /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= min && number <= max)) throw new FilterError(`must be a whole number from ${min} to ${max}`)
  return number
}

const parseFilter = (grammar: ListGrammar, name: string, value: string): Condition | undefined => {
  const [, field, operator = 'eq'] = /^([A-Za-z]\w*)(?:\[(\w+)\])?$/.exec(name) ?? []
  const match = field === undefined ? undefined : grammar.filters.get(field)
  if (!match?.filter.operators.includes(operator as Operator)) return undefined
  return match.filter.parse(operator as Operator, value, match.column, grammar.search)
}

// A trigram index cannot find one or two letters inside a word, but it finds them at the beginning of a word. Digits are not
// treated like this, because nearly every row contains them, nor are scripts without spaces between words.
const isShort = (word: string): boolean =>
  [...word].length < 3 &&
  /^\p{L}+$/u.test(word) &&
  !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u.test(
    word,
  )

/** Creates a condition for each word of `q`, or one for a unique value. The text of the column is normalised in the same way. */
const searchConditions = ({ column, normalise }: Search, value: string, lookup: ListGrammar['lookup']): Condition[] => {
  const unique = lookup?.(checkText(value).trim()) ?? []
  if (unique.length > 0)
    return [(bind, context) => unique.map((condition) => `(${condition(bind, context)})`).join(' or ')]
  const words = normalise(checkText(value))
    .split(/\s+/)
    .filter((word) => word !== '')
  if (words.length > maxWords) throw new FilterError(`must have at most ${maxWords} words`)
  return [...new Set(words)].map((word) => {
    const literal = escapeLike(word)
    if (!isShort(word)) return markEstimated((bind) => `${column} like ${bind(`%${literal}%`)}`)
    return markEstimated((bind) => wordPrefixCondition(column, literal, bind))
  })
}
