import type { Bind, Condition } from './condition.ts'

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
/** The operators that compare values of a type with an order. */
export const comparisons = Object.keys(comparisonSigns) as Comparison[]

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

/** Creates the condition of a comparison with a value. */
export const comparisonCondition =
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

/** The schema of a text. */
export const textValue = { type: 'string', maxLength: maxValueLength }
/** The schema of `true` or `false`. */
export const booleanValue = { type: 'boolean' }

/** The operators of a type with an order. */
export const orderedOperators: readonly Operator[] = ['eq', 'ne', ...comparisons, 'exists']

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
