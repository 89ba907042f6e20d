import { Problem } from '../runtime/problem.ts'
import type { QueryError } from './query.ts'

/** Creates the 400 that names every invalid parameter of a list. */
export const invalidQuery = (errors: QueryError[]): Problem =>
  new Problem(errors.some(({ code }) => code === 'unknown_parameter') ? 'unknown_parameter' : 'invalid_parameter', {
    detail: errors
      .map(({ parameter, message }) => `${parameter}: ${message}`)
      .join('; ')
      .slice(0, 1000),
    errors: errors.slice(0, 100),
  })
