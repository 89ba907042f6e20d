import { type Bind, markEstimated } from './condition.ts'
import {
  checkText,
  comparisonCondition,
  comparisons,
  equalityCondition,
  escapeLike,
  existsCondition,
  type Filter,
  isComparison,
  type Search,
  splitValues,
  textValue,
  wordStartCondition,
} from './filters.ts'
import { inTextOrder } from './text-order.ts'

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

/** A value as it may be stored: with letters and accents as one character, or apart. */
const normalForms = (value: string): string[] => [...new Set([value, value.normalize('NFC'), value.normalize('NFD')])]

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
