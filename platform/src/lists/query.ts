import { type Cursor, decodeCursor } from './cursor.ts'
import {
  beginsWord,
  type Condition,
  checkText,
  type Filter,
  FilterError,
  likeLiteral,
  type Operator,
  rough,
  type Search,
} from './filters.ts'
import { parseSort, type SortKey } from './sort.ts'

/** What a list can be asked, with the SQL that it stands for. */
export type ListGrammar = {
  id: string
  sort: ReadonlyMap<string, string>
  defaultSort: string
  filters: ReadonlyMap<string, { filter: Filter; column: string }>
  search: Search | undefined
  aliases: ReadonlyMap<string, string>
}

/** A fault of one parameter, in the caller's own spelling. */
export type QueryFault = { code: 'unknown_parameter' | 'invalid_parameter'; parameter: string; message: string }

/** A query that was understood. */
export type ListQuery = {
  limit: number
  offset: number | undefined
  cursor: Cursor | undefined
  sort: { text: string; keys: SortKey[] }
  conditions: Condition[]
}

export const defaultLimit = 50
export const mostRows = 200
export const deepestOffset = 10_000
const mostWords = 10

/** Parses a flat record such as `{ 'createdAt[gte]': '2026-01-01', limit: '10' }` and finds every fault. */
export const parseListQuery = (
  grammar: ListGrammar,
  record: Record<string, unknown>,
): { query: ListQuery; faults: QueryFault[] } => {
  const faults: QueryFault[] = []
  const parsed: Parsed = { limit: defaultLimit, offset: undefined, cursor: undefined, sort: undefined, conditions: [] }
  const seen = new Set<string>()
  for (const [parameter, value] of Object.entries(record)) {
    if (value === undefined) continue
    const name = grammar.aliases.get(parameter) ?? parameter
    const fault = (code: QueryFault['code'], message: string) =>
      faults.push({ code, parameter: checkedName(parameter), message })
    if (seen.has(name)) fault('invalid_parameter', 'is given more than once under different names')
    seen.add(name)
    catchFault(
      () => {
        if (typeof value !== 'string') throw new FilterError('is given more than once')
        if (parseParameter(grammar, parsed, name, value)) return
        fault('unknown_parameter', `is not known here; known are ${knownParameters(grammar).join(', ')}`)
      },
      (message) => fault('invalid_parameter', message),
    )
  }
  const invalid = (parameter: string, message: string) => faults.push({ code: 'invalid_parameter', parameter, message })
  if (parsed.cursor && parsed.offset !== undefined) invalid('offset', 'cannot be used together with cursor')
  const sort: ListQuery['sort'] = { text: parsed.sort ?? parsed.cursor?.sort ?? grammar.defaultSort, keys: [] }
  catchFault(
    () => {
      sort.keys = parseSort(sort.text, grammar.sort, grammar.id)
    },
    (message) => invalid(parsed.sort === undefined ? 'cursor' : 'sort', message),
  )
  const mismatch = cursorMismatch(parsed, sort.keys)
  if (mismatch !== undefined) invalid('cursor', mismatch)
  return { query: { ...parsed, sort }, faults }
}

/** A query while its parameters are read; `sort` is what the caller asked for. */
type Parsed = Omit<ListQuery, 'sort'> & { sort: string | undefined }

/** Runs `parse` and reports what is wrong with the parameter; any other error is thrown. */
const catchFault = (parse: () => void, report: (message: string) => void): void => {
  try {
    parse()
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    report(error.message)
  }
}

/** Adds a parameter to the query. @returns false if the list does not know it. @throws FilterError */
const parseParameter = (grammar: ListGrammar, query: Parsed, name: string, value: string): boolean => {
  if (name === 'limit') query.limit = whole(value, 1, mostRows)
  else if (name === 'offset') query.offset = whole(value, 0, deepestOffset)
  else if (name === 'cursor') query.cursor = decodeCursor(value)
  else if (name === 'sort') query.sort = value
  else if (name === 'q' && grammar.search !== undefined) query.conditions.push(...search(grammar.search, value))
  else {
    const condition = filterOf(grammar, name, value)
    if (!condition) return false
    query.conditions.push(condition)
  }
  return true
}

/** Why a cursor does not fit the list's order. A sort that could not be read has no keys. */
const cursorMismatch = ({ cursor, sort }: Parsed, keys: readonly SortKey[]): string | undefined => {
  if (!cursor) return undefined
  if (sort !== undefined && cursor.sort !== sort) return 'belongs to another sort'
  if (keys.length > 0 && cursor.values.length !== keys.length) return 'is not a cursor of this list'
  return undefined
}

/** Every parameter by name; `field[…]` stands for its operators. */
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

const checkedName = (name: string): string => name.toWellFormed().slice(0, 100)

const whole = (value: string, min: number, max: number): number => {
  const number = /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= min && number <= max)) throw new FilterError(`must be a whole number from ${min} to ${max}`)
  return number
}

const filterOf = (grammar: ListGrammar, name: string, value: string): Condition | undefined => {
  const [, field, operator = 'eq'] = /^([A-Za-z]\w*)(?:\[(\w+)\])?$/.exec(name) ?? []
  const known = field === undefined ? undefined : grammar.filters.get(field)
  if (!known?.filter.operators.includes(operator as Operator)) return undefined
  return known.filter.parse(operator as Operator, value, known.column, grammar.search)
}

// No index of trigrams finds one or two letters within a word, but it finds them where a word begins. Digits are in every
// row's numbers and need none; scripts that write words without spaces between them are left as they are.
const isShort = (word: string): boolean =>
  [...word].length < 3 &&
  /^\p{L}+$/u.test(word) &&
  !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u.test(
    word,
  )

// Every word must occur; the column holds text in the same folded form.
const search = ({ column, normalise }: Search, value: string): Condition[] => {
  const words = normalise(checkText(value))
    .split(/\s+/)
    .filter((word) => word !== '')
  if (words.length > mostWords) throw new FilterError(`must have at most ${mostWords} words`)
  return [...new Set(words)].map((word) => {
    const literal = likeLiteral(word)
    if (!isShort(word)) return rough((bind) => `${column} like ${bind(`%${literal}%`)}`)
    return rough((bind) => beginsWord(column, literal, bind))
  })
}
