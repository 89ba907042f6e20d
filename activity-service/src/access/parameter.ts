import { FilterError } from '@clientele/platform/lists/filters'
import { z } from 'zod'

/**
 * The schema of a query parameter that `parse` reads. A {@link FilterError} becomes the error of the parameter.
 */
export const parameter = <T>(parse: (value: string) => T) =>
  z.string().transform((value, context): T => {
    try {
      return parse(value)
    } catch (error) {
      if (!(error instanceof FilterError)) throw error
      context.addIssue({ code: 'custom', message: error.message })
      return z.NEVER
    }
  })
