import { markEstimated } from '@clientele/platform/lists/condition'
import type { Filter } from '@clientele/platform/lists/filters'
import { parseTypePatterns, typeCondition } from './type-pattern.ts'

const description = 'Event types such as `order.placed.v1`, and kinds such as `order.*`, separated by commas'
const value = { type: 'string', maxLength: 100, examples: ['order.*'] }

/** The filter of lists by event types and kinds. */
export const eventType: Filter = {
  operators: ['eq'],
  description,
  value,
  hasSeveral: true,
  column: 'type',
  parse: (_operator, text, column) => {
    const patterns = parseTypePatterns(text)
    return (bind) => typeCondition(patterns, column, bind)
  },
}

/**
 * The same for a list of which the index in the order of the sort does not begin with what rows have in common. A type can be common
 * as a whole and rare in the newest months.
 */
export const anyEventType: Filter = {
  ...eventType,
  parse: (operator, text, column) => markEstimated(eventType.parse(operator, text, column)),
}
