import type { Bind } from './condition.ts'
import { type Condition, markEstimated } from './condition.ts'
import { inTextOrder } from './text-order.ts'

export type Operator = 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte' | 'contains' | 'startsWith' | 'exists'

/** A JSON schema, for the API documentation. */
export type JsonSchema = Record<string, unknown>

/** One filter of a list. Without `column`, the column is the name of the parameter in snake case. */
export type Filter = {
  operators: readonly Operator[]
  /** For the API documentation, without a full stop, such as `A whole number`. */
  description: string
  /** Example values for the API documentation. */
  example?: string[]
  /** The JSON schema of one value. */
  value: JsonSchema
  /** Whether a value of `eq` and `ne` may be several, separated by commas, that contain no commas themselves. */
  hasSeveral?: boolean
  column?: string | undefined
  /** How the column is written where rows are sorted by it or compared; default: as the column. */
  sortedAs?: (column: string) => string
  /** Parses the value of `field[operator]`. @throws FilterError with the rule for values, such as `must be a number` */
  parse(operator: Operator, value: string, column: string, search?: Search): Condition
}

/** The column that `q` searches, and the function that normalises its text. */
export type Search = {
  column: string
  normalise(value: string): string
  /** Whether the text begins and ends with a space, so that one pattern finds a word wherever it stands. */
  isPadded: boolean
  /** Whether the text contains the folded forms of its words. */
  isFolded: boolean
  /** Whether the text contains telephone numbers, in E.164. */
  hasTelephones: boolean
  /** Whether `q` is searched with typing errors if it finds nothing. */
  toleratesErrors: boolean
}

/** An invalid value of a list parameter. The client gets the message. */
export class FilterError extends Error {
  override name = 'FilterError'
}

const maxValueLength = 1_000
/** The most values of one filter. */
export const maxValues = 100
const comparisonSigns = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const
type Comparison = keyof typeof comparisonSigns
const comparisons = Object.keys(comparisonSigns) as Comparison[]

/** Whether an operator needs a type with an order. */
export const isComparison = (operator: Operator): operator is Comparison => Object.hasOwn(comparisonSigns, operator)

/** Returns `value` if PostgreSQL can store it and it is not too long. @throws FilterError */
export const checkText = (value: string, maxLength = maxValueLength): string => {
  if (value.length > maxLength) throw new FilterError(`must have at most ${maxLength} characters`)
  if (value.includes('\0') || !value.isWellFormed()) throw new FilterError('must be text without NUL characters')
  return value
}

/** Escapes a text for a LIKE pattern. */
export const escapeLike = (value: string): string => value.replace(/[\\%_]/g, '\\$&')

/** Writes the condition that a word begins with `literal`, an escaped text. A trigram index serves it even for a single letter. */
export const wordPrefixCondition = (column: string, literal: string, bind: Bind): string =>
  `(${column} like ${bind(`${literal}%`)} or ${column} like ${bind(`% ${literal}%`)})`

/** Like {@link wordPrefixCondition}, on the search column of a list. */
export const wordStartCondition = ({ column, isPadded }: Search, literal: string, bind: Bind): string =>
  isPadded ? `${column} like ${bind(`% ${literal}%`)}` : wordPrefixCondition(column, literal, bind)

/**
 * Writes the condition on the search column that is true for every row with a text that contains `value`, or starts with it. A
 * sigma is replaced by `_`, because its lower case depends on the letter after it.
 */
const searchTextCondition = (
  search: Search,
  operator: 'contains' | 'startsWith',
  value: string,
  bind: Bind,
): string => {
  const literal = escapeLike(search.normalise(value)).replace(/[σς]/g, '_')
  return operator === 'startsWith'
    ? wordStartCondition(search, literal, bind)
    : `${search.column} like ${bind(`%${literal}%`)}`
}

/**
 * Splits at commas: `a,b\,c` → `['a', 'b,c']`. `\,` is a comma and `\\` a backslash.
 * @throws FilterError for more than {@link maxValues}
 */
export const splitValues = (value: string): string[] => {
  const parts = value.match(/(?:\\[\\,]|[^,])+|(?<=,)(?=,|$)|^(?=,|$)/g) ?? ['']
  if (parts.length > maxValues) throw new FilterError(`must have at most ${maxValues} values`)
  return parts.map((part) => part.replace(/\\([\\,])/g, '$1'))
}

/** Creates the condition of `[exists]`. @throws FilterError */
export const existsCondition = (value: string, sql: string): Condition => {
  const expected = parseBoolean(value)
  return () => (expected ? `${sql} is not null` : `${sql} is null`)
}

/** @throws FilterError */
export const parseBoolean = (value: string): boolean => {
  if (value !== 'true' && value !== 'false') throw new FilterError('must be true or false')
  return value === 'true'
}

/** Creates the condition that the column equals one of the values, or none of them with `ne`, which also matches null. */
export const equalityCondition = (
  operator: 'eq' | 'ne',
  column: string,
  type: string,
  values: unknown[],
): Condition => {
  if (operator === 'ne') return (bind) => `(${column} is null or ${column} <> all(${bind(values)}::${type}[]))`
  if (values.length === 1) return (bind) => `${column} = ${bind(values[0])}::${type}`
  return (bind) => `${column} = any(${bind(values)}::${type}[])`
}

const comparisonCondition =
  (operator: Comparison, column: string, type: string, bound: unknown): Condition =>
  (bind) =>
    `${column} ${comparisonSigns[operator]} ${bind(bound)}::${type}`

type ScalarOptions = {
  type: string
  operators: readonly Operator[]
  description: string
  value: JsonSchema
  column?: string | undefined
  read: (value: string) => unknown
}

/** A filter on a column of a type that SQL compares; `read` parses a value or throws {@link FilterError}. */
export const scalarFilter = ({ type, operators, description, value, column, read }: ScalarOptions): Filter => ({
  operators,
  description,
  value,
  column,
  parse: (operator, value, sql) => {
    if (operator === 'exists') return existsCondition(value, sql)
    if (isComparison(operator)) return comparisonCondition(operator, sql, type, read(checkText(value)))
    const values = splitValues(checkText(value, 10_000)).map(read)
    return equalityCondition(operator === 'ne' ? 'ne' : 'eq', sql, type, values)
  },
})

/** A value as it may be stored: with letters and accents as one character, or apart. */
const normalForms = (value: string): string[] => [...new Set([value, value.normalize('NFC'), value.normalize('NFD')])]

/** The schema of a text. */
export const textValue = { type: 'string', maxLength: maxValueLength }
/** The schema of `true` or `false`. */
export const booleanValue = { type: 'boolean' }

/** The operators of a type with an order. */
export const orderedOperators: readonly Operator[] = ['eq', 'ne', ...comparisons, 'exists']

/**
 * A filter on a text column. `contains` and `startsWith` ignore case, equality does not. Accents may be stored with their letter as
 * one character, or apart.
 * @param normalise converts a value of an equality to its stored form; undefined matches no row
 * @param searched whether the `search` column of the list contains this text; its index then serves `contains` and `startsWith`
 * @param sorted whether the list can be sorted by this text, in the order of {@link inTextOrder}; it can then be compared in it
 */
export const text = ({
  column,
  searched = false,
  sorted = false,
  normalise = (value) => value,
}: {
  column?: string
  searched?: boolean
  sorted?: boolean
  normalise?: (value: string) => string | undefined
} = {}): Filter => ({
  operators: ['eq', 'ne', ...(sorted ? comparisons : []), 'contains', 'startsWith', 'exists'],
  description: 'A text. Separate alternatives with commas; write a comma in a value as `\\,`',
  value: textValue,
  column,
  ...(sorted && { sortedAs: inTextOrder }),
  parse: (operator, value, sql, search) => {
    if (operator === 'exists') return existsCondition(value, sql)
    if (operator === 'contains' || operator === 'startsWith') {
      const literals = normalForms(escapeLike(checkText(value)))
      return markEstimated((bind) => {
        const patterns = literals.map((literal) => (operator === 'contains' ? `%${literal}%` : `${literal}%`))
        const matches = patterns.map((pattern) => `${sql} collate "und-x-icu" ilike ${bind(pattern)}`).join(' or ')
        return searched && search ? `(${matches}) and ${searchTextCondition(search, operator, value, bind)}` : matches
      })
    }
    const compared = sorted ? inTextOrder(sql) : sql
    if (isComparison(operator))
      return comparisonCondition(operator, compared, 'text', normalise(checkText(value)) ?? null)
    const values = splitValues(checkText(value, 10_000)).map((each) => normalise(checkText(each)))
    const stored = values.filter((each) => each !== undefined).flatMap(normalForms)
    return equalityCondition(operator === 'ne' ? 'ne' : 'eq', compared, 'text', stored)
  },
})

/** A filter on a decimal column. */
export const number = ({ column }: { column?: string } = {}): Filter =>
  scalarFilter({
    type: 'numeric',
    operators: orderedOperators,
    description: 'A number',
    value: { type: 'number' },
    column,
    read: (value) => {
      if (!/^-?\d{1,18}(\.\d{1,12})?$/.test(value)) throw new FilterError('must be a number')
      return value
    },
  })

/** A filter on an integer column. With {@link number} PostgreSQL could not use its index. */
export const integer = ({ column }: { column?: string } = {}): Filter =>
  scalarFilter({
    type: 'bigint',
    operators: orderedOperators,
    description: 'A whole number',
    value: { type: 'integer' },
    column,
    read: (value) => {
      if (!/^-?\d{1,18}$/.test(value)) throw new FilterError('must be a whole number')
      return value
    },
  })

/** A filter on a boolean column. */
export const boolean = ({ column }: { column?: string } = {}): Filter => ({
  operators: ['eq', 'ne', 'exists'],
  description: '`true` or `false`',
  value: booleanValue,
  column,
  parse: (operator, value, sql) => {
    if (operator === 'exists') return existsCondition(value, sql)
    const expected = parseBoolean(value) === (operator === 'eq')
    return () => (expected ? sql : `not ${sql}`)
  },
})

/** A filter that is `true` if an SQL condition holds, such as `photo_media_id is not null`. */
export const flag = (condition: string): Filter => ({
  operators: ['eq'],
  description: '`true` or `false`',
  value: booleanValue,
  column: condition,
  parse: (_operator, value) => {
    const expected = parseBoolean(value)
    return () => (expected ? `(${condition})` : `not (${condition})`)
  },
})

/** Whether a query can only match rows that have `field`: it uses any operator of the field except `[exists]=false`. */
export const requiresField = (field: string, query: Record<string, unknown>): boolean =>
  String(query[`${field}[exists]`]) !== 'false' &&
  Object.keys(query).some((name) => name === field || name.startsWith(`${field}[`))
