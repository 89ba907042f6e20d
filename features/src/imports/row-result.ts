import { isRecordId, isUuid } from '@clientele/platform/data/ids'
import { Problem, validationProblem } from '@clientele/platform/runtime/problem'
import type { z } from 'zod'
import type { FieldValues, MatchOptions, RowProblem, RowResult } from './import-target.ts'

/** Creates the result of a row that fails for one reason. */
export const failedResult = (problem: RowProblem): RowResult => ({ outcome: 'failed', problems: [problem] })

// The pointer `/address/city` names the field `address.city`. An empty pointer names the whole row.
const fieldAt = (pointer = ''): { field?: string } =>
  pointer === '' ? {} : { field: pointer.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~') }

/** Converts the errors of a Problem, with field names instead of JSON pointers. */
export const toRowProblems = (problem: Problem): RowProblem[] =>
  (problem.options.errors ?? []).map(({ pointer, code, message }) => ({ ...fieldAt(pointer), code, message }))

/** Converts the errors of a request schema. */
export const toSchemaProblems = (error: z.ZodError): RowProblem[] => toRowProblems(validationProblem(error))

/** Converts the Problem with which a row was rejected. @throws any other error */
export const toFailedResult = (error: unknown): RowResult => {
  if (!(error instanceof Problem)) throw error
  const [first] = toRowProblems(error)
  return failedResult(first ?? { code: error.code, message: error.message })
}

/** Returns the result of a row that matches an existing resource, or undefined if the row updates it. */
export const matchResult = ({ matchBy, onMatch }: MatchOptions, entity: string): RowResult | undefined => {
  if (onMatch === 'update') return undefined
  if (onMatch === 'skip') return { outcome: 'skipped' }
  return failedResult({
    field: matchBy,
    code: 'exists',
    message: `belongs to an existing ${entity}; remove the row, or choose to update or skip matching rows`,
  })
}

/** Creates the result of a row with an id or code that no resource has. Such a row does not create a resource. */
export const noMatchResult = (field: string, entity: string): RowResult =>
  failedResult({
    field,
    code: 'no_match',
    message: `matches no ${entity}; correct it, or leave it empty to create a new ${entity}`,
  })

/** The id in a row, if it has the form of ours; otherwise undefined. */
export const ownIdOf = ({ id }: FieldValues): string | undefined => {
  const text = typeof id === 'string' ? id.trim() : ''
  return isRecordId(text) ? text.toLowerCase() : undefined
}

/**
 * Creates the result of a row whose id or code (`field`) names another resource than its match key does, or names one while its
 * match key names none.
 */
export const idConflictResult = (field: string, matchBy: string, entity: string, isMatched: boolean): RowResult =>
  failedResult({
    field,
    code: 'id_conflict',
    message: isMatched
      ? `names another ${entity} than ${matchBy}; correct one of them, or remove the ${field}`
      : `names a ${entity} and ${matchBy} names none; match by ${field} to change that ${entity}, or remove the ${field}`,
  })

/** The key that a row is matched by, or the problem of an invalid key. A row without a key has neither. */
export type MatchKey = { key?: string; problem?: RowProblem }

/**
 * Reads a match key that the product itself assigns, such as an id or code.
 * @param normalise returns the stored form; undefined if the text is not such a key
 */
export const parseOwnKey = (
  values: FieldValues,
  field: string,
  entity: string,
  normalise: (text: string) => string | undefined = parseId,
): MatchKey => {
  const value = values[field]
  if (value === undefined || value === null) return {}
  const key = normalise(String(value).trim())
  return key === undefined
    ? {
        problem: {
          field,
          code: 'invalid',
          message: `must be the ${field} of a ${entity}; correct it, or leave it empty to create a new ${entity}`,
        },
      }
    : { key }
}

const parseId = (text: string): string | undefined => (isUuid(text) ? text.toLowerCase() : undefined)
