/** Binds a value and gives its placeholder. */
export type Bind = (value: unknown) => string
/** Who asks: `me` in a filter by user. */
export type ListContext = { actor?: { id: string } | undefined }
type Written = (bind: Bind, context: ListContext) => string
/** SQL of one condition; every value goes through `bind`. */
export type Condition = Written & {
  /** The planner can only guess how many rows meet it; a list is built so that a wrong guess costs little. */
  rough?: true
  /**
   * `id`: it speaks of nothing but the id. `ids`: it is no condition but a query of the ids that meet it, each the id of a row
   * and given once, without an order: where nothing else is asked, rows are counted and found by it alone.
   */
  of?: 'id' | 'ids'
  /** What follows from it, and lets an index of a sort begin where the first such row can be. */
  implied?: Written
}

/** Marks a condition whose selectivity nobody knows before. */
export const rough = (condition: Condition): Condition => Object.assign(condition, { rough: true as const })

export type Operator = 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte' | 'contains' | 'startsWith' | 'exists'

/** One filter of a list. `column` is undefined where the parameter's own name, in snake case, is the column. */
export type Filter = {
  operators: readonly Operator[]
  description: string
  column?: string | undefined
  /** @throws FilterError with what the value must be */
  parse(operator: Operator, value: string, column: string, search?: Search): Condition
}

/** The column for `q`, and how its text is made. */
export type Search = { column: string; normalise(value: string): string }

/** A value that a filter cannot take; the message is for the caller. */
export class FilterError extends Error {
  override name = 'FilterError'
}

const longestValue = 1_000
const mostValues = 100
const compare: Partial<Record<Operator, string>> = { gt: '>', gte: '>=', lt: '<', lte: '<=' }

/** Refuses what PostgreSQL's text cannot hold, and what is too long. @throws FilterError */
export const checkText = (value: string, longest = longestValue): string => {
  if (value.length > longest) throw new FilterError(`must have at most ${longest} characters`)
  if (value.includes('\0') || !value.isWellFormed()) throw new FilterError('must be text without NUL characters')
  return value
}

/** A text as a LIKE pattern that matches only itself. */
export const likeLiteral = (value: string): string => value.replace(/[\\%_]/g, '\\$&')

/** Some word begins with `literal`, which is escaped already: an index of trigrams finds that for a single letter too. */
export const beginsWord = (column: string, literal: string, bind: Bind): string =>
  `(${column} like ${bind(`${literal}%`)} or ${column} like ${bind(`% ${literal}%`)})`

/**
 * What follows for the column for `q` from a text in it that contains `value` or starts with it. Sigma alone has a small letter that
 * depends on what comes after it.
 */
const follows = (
  { column, normalise }: Search,
  operator: 'contains' | 'startsWith',
  value: string,
  bind: Bind,
): string => {
  const literal = likeLiteral(normalise(value)).replace(/[σς]/g, '_')
  return operator === 'startsWith' ? beginsWord(column, literal, bind) : `${column} like ${bind(`%${literal}%`)}`
}

// A comma separates values; `\,` is a comma and `\\` a backslash.
const splitValues = (value: string): string[] => {
  const parts = value.match(/(?:\\[\\,]|[^,])+|(?<=,)(?=,|$)|^(?=,|$)/g) ?? ['']
  if (parts.length > mostValues) throw new FilterError(`must have at most ${mostValues} values`)
  return parts.map((part) => part.replace(/\\([\\,])/g, '$1'))
}

const exists = (value: string, sql: string): Condition => {
  const wanted = truth(value)
  return () => (wanted ? `${sql} is not null` : `${sql} is null`)
}

const truth = (value: string): boolean => {
  if (value !== 'true' && value !== 'false') throw new FilterError('must be true or false')
  return value === 'true'
}

/** Equality with one of several values. `ne` takes rows without a value too: they are not equal. */
const oneOf = (operator: 'eq' | 'ne', column: string, type: string, values: unknown[]): Condition => {
  if (operator === 'ne') return (bind) => `(${column} is null or ${column} <> all(${bind(values)}::${type}[]))`
  if (values.length === 1) return (bind) => `${column} = ${bind(values[0])}::${type}`
  return (bind) => `${column} = any(${bind(values)}::${type}[])`
}

type Scalar = {
  type: string
  operators: readonly Operator[]
  description: string
  column?: string | undefined
  read: (value: string) => unknown
}

/** A filter by a value that SQL compares. */
export const scalar = ({ type, operators, description, column, read }: Scalar): Filter => ({
  operators,
  description,
  column,
  parse: (operator, value, sql) => {
    if (operator === 'exists') return exists(value, sql)
    if (operator === 'eq' || operator === 'ne')
      return oneOf(operator, sql, type, splitValues(checkText(value, 10_000)).map(read))
    const bound = read(checkText(value))
    return (bind) => `${sql} ${compare[operator]} ${bind(bound)}::${type}`
  },
})

/** What can be asked of a value that has an order. */
export const ordered: readonly Operator[] = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'exists']

/**
 * Text. `contains` and `startsWith` do not tell cases apart; equality does, unless `normalise` brings the value into the
 * stored form (undefined: nothing is stored in that form, nothing matches). `searched`: the list's `search` column holds this text
 * too, so that its index finds what `contains` or starts with a value.
 */
export const text = ({
  column,
  searched = false,
  normalise = (value) => value,
}: {
  column?: string
  searched?: boolean
  normalise?: (value: string) => string | undefined
} = {}): Filter => ({
  operators: ['eq', 'ne', 'contains', 'startsWith', 'exists'],
  description: 'text; several values between commas are alternatives (a comma in a value is written `\\,`)',
  column,
  parse: (operator, value, sql, search) => {
    if (operator === 'exists') return exists(value, sql)
    if (operator === 'contains' || operator === 'startsWith') {
      const literal = likeLiteral(checkText(value))
      return rough((bind) => {
        const meets = `${sql} collate "und-x-icu" ilike ${bind(operator === 'contains' ? `%${literal}%` : `${literal}%`)}`
        return searched && search ? `${meets} and ${follows(search, operator, value, bind)}` : meets
      })
    }
    const values = splitValues(checkText(value, 10_000)).map((each) => normalise(checkText(each)))
    const stored = values.filter((each) => each !== undefined)
    return oneOf(operator === 'ne' ? 'ne' : 'eq', sql, 'text', stored.length === 1 ? stored : [...stored])
  },
})

/** A decimal number. */
export const number = ({ column }: { column?: string } = {}): Filter =>
  scalar({
    type: 'numeric',
    operators: ordered,
    description: 'a number',
    column,
    read: (value) => {
      if (!/^-?\d{1,18}(\.\d{1,12})?$/.test(value)) throw new FilterError('must be a number')
      return value
    },
  })

/** A whole number of an integer column: a decimal bound would keep its index from being used. */
export const whole = ({ column }: { column?: string } = {}): Filter =>
  scalar({
    type: 'bigint',
    operators: ordered,
    description: 'a whole number',
    column,
    read: (value) => {
      if (!/^-?\d{1,18}$/.test(value)) throw new FilterError('must be a whole number')
      return value
    },
  })

/** A UUID. */
export const uuid = ({ column }: { column?: string } = {}): Filter =>
  scalar({
    type: 'uuid',
    operators: ['eq', 'ne', 'exists'],
    description: 'an id',
    column,
    read: (value) => {
      if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) throw new FilterError('must be an id')
      return value.toLowerCase()
    },
  })

/** `true` or `false`. */
export const boolean = ({ column }: { column?: string } = {}): Filter => ({
  operators: ['eq', 'ne', 'exists'],
  description: 'true or false',
  column,
  parse: (operator, value, sql) => {
    if (operator === 'exists') return exists(value, sql)
    const wanted = truth(value) === (operator === 'eq')
    return () => (wanted ? sql : `not ${sql}`)
  },
})

/** A user's id (text column); `me` is whoever asks. */
export const userId = ({ column }: { column?: string } = {}): Filter => ({
  operators: ['eq', 'ne', 'exists'],
  description: 'the id of a user, or `me`',
  column,
  parse: (operator, value, sql) => {
    if (operator === 'exists') return exists(value, sql)
    const ids = splitValues(checkText(value))
    return (bind, context) => {
      const known = ids.map((id) => (id === 'me' ? (context.actor?.id ?? '') : id))
      return oneOf(operator === 'ne' ? 'ne' : 'eq', sql, 'text', known)(bind, context)
    }
  },
})

/** `true` or `false` for an SQL condition, such as `photo_media_id is not null`. */
export const flag = (condition: string): Filter => ({
  operators: ['eq'],
  description: 'true or false',
  column: condition,
  parse: (_operator, value) => {
    const wanted = truth(value)
    return () => (wanted ? `(${condition})` : `not (${condition})`)
  },
})

/** A `text[]` column that has the value, or one of several. `exists=false` finds empty ones. */
export const arrayHas = (column?: string): Filter => ({
  operators: ['eq', 'ne', 'exists'],
  description: 'has this value; several values between commas are alternatives',
  column,
  parse: (operator, value, sql) => {
    if (operator === 'exists') {
      const wanted = truth(value)
      return () => (wanted ? `${sql} <> '{}'` : `${sql} = '{}'`)
    }
    const values = splitValues(checkText(value, 10_000)).map((each) => checkText(each))
    if (operator === 'ne') return (bind) => `not (${sql} && ${bind(values)}::text[])`
    return rough((bind) => `${sql} && ${bind(values)}::text[]`)
  },
})

/** Whether a query asks for rows that have `field`: by any of its operators but `[exists]=false`. */
export const asksFor = (field: string, query: Record<string, unknown>): boolean =>
  query[`${field}[exists]`] !== 'false' &&
  Object.keys(query).some((name) => name === field || name.startsWith(`${field}[`))
