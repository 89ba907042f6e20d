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
  const query: ListQuery = {
    limit: defaultLimit,
    offset: undefined,
    cursor: undefined,
    sort: { text: '', keys: [] },
    conditions: [],
  }
  let sort: string | undefined
  const seen = new Set<string>()
  for (const [parameter, value] of Object.entries(record)) {
    if (value === undefined) continue
    const name = grammar.aliases.get(parameter) ?? parameter
    const fault = (code: QueryFault['code'], message: string) =>
      faults.push({ code, parameter: checkedName(parameter), message })
    if (seen.has(name)) fault('invalid_parameter', 'is given more than once under different names')
    seen.add(name)
    try {
      if (typeof value !== 'string') throw new FilterError('is given more than once')
      if (name === 'limit') query.limit = whole(value, 1, mostRows)
      else if (name === 'offset') query.offset = whole(value, 0, deepestOffset)
      else if (name === 'cursor') query.cursor = decodeCursor(value)
      else if (name === 'sort') sort = value
      else if (name === 'q' && grammar.search !== undefined) query.conditions.push(...search(grammar.search, value))
      else {
        const condition = filterOf(grammar, name, value)
        if (condition) query.conditions.push(condition)
        else fault('unknown_parameter', `is not known here; known are ${knownParameters(grammar).join(', ')}`)
      }
    } catch (error) {
      if (!(error instanceof FilterError)) throw error
      fault('invalid_parameter', error.message)
    }
  }
  const invalid = (parameter: string, message: string) => faults.push({ code: 'invalid_parameter', parameter, message })
  if (query.cursor && query.offset !== undefined) invalid('offset', 'cannot be used together with cursor')
  try {
    const text = sort ?? query.cursor?.sort ?? grammar.defaultSort
    query.sort = { text, keys: parseSort(text, grammar.sort, grammar.id) }
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    invalid(sort === undefined ? 'cursor' : 'sort', error.message)
  }
  const { cursor } = query
  if (cursor && sort !== undefined && cursor.sort !== sort) invalid('cursor', 'belongs to another sort')
  else if (cursor && query.sort.keys.length > 0 && cursor.values.length !== query.sort.keys.length)
    invalid('cursor', 'is not a cursor of this list')
  return { query, faults }
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
