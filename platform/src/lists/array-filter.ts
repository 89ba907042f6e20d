import type { z } from 'zod'
import { markEstimated } from './condition.ts'
import { checkText, type Filter, parseBoolean, splitValues, textValue } from './filters.ts'
import { readWith, schemaOf } from './one-of.ts'

/** A filter on a `text[]` column that contains one of the values. `[exists]=false` finds empty arrays. */
export const arrayHas = (column?: string): Filter => ({
  operators: ['eq', 'ne', 'exists'],
  description: 'A value that must occur. Separate alternatives with commas',
  value: textValue,
  column,
  parse: (operator, value, sql) => {
    if (operator === 'exists') {
      const expected = parseBoolean(value)
      return () => (expected ? `${sql} <> '{}'` : `${sql} = '{}'`)
    }
    const values = splitValues(checkText(value, 10_000)).map((each) => checkText(each))
    if (operator === 'ne') return (bind) => `not (${sql} && ${bind(values)}::text[])`
    return markEstimated((bind) => `${sql} && ${bind(values)}::text[]`)
  },
})

/** A filter on a `text[]` column that contains one of a fixed set of values. */
export const hasOneOf = (values: z.ZodEnum, filter: Filter): Filter => {
  const read = readWith(values)
  return {
    ...filter,
    value: schemaOf(values),
    hasSeveral: true,
    parse: (operator, value, column, search) => {
      if (operator !== 'exists') value.split(',').forEach(read)
      return filter.parse(operator, value, column, search)
    },
  }
}
