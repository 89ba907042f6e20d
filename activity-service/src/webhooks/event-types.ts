import { FilterError } from '@clientele/platform/lists/filters'
import { Problem } from '@clientele/platform/runtime/problem'
import { parseTypePatterns } from '../access/type-pattern.ts'

/** Checks event types and kinds in a body. @throws Problem 422 with a pointer to the unknown one */
export const checkTypes = (types: readonly string[], pointer: string): string[] => {
  const errors = types.flatMap((type, index) => {
    try {
      // A comma separates patterns in a parameter; here each is an item.
      parseTypePatterns(type.replaceAll(',', ' '))
      return []
    } catch (error) {
      if (!(error instanceof FilterError)) throw error
      return [{ pointer: `${pointer}/${index}`, code: 'invalid_value' as const, message: error.message }]
    }
  })
  if (errors.length > 0) throw new Problem('validation', { detail: errors[0]?.message ?? '', errors })
  return [...new Set(types)]
}
