import { isUuid } from '@clientele/platform/data/ids'
import { Problem, validationProblem } from '@clientele/platform/runtime/problem'
import type { z } from 'zod'
import type { FieldValues, RowProblem, RowResult, Taking } from './import-target.ts'

/** A row that fails for one reason. */
export const failed = (problem: RowProblem): RowResult => ({ outcome: 'failed', problems: [problem] })

// A pointer such as `/address/city` names the field `address.city`; one that is empty is about the whole row.
const fieldAt = (pointer = ''): { field?: string } =>
  pointer === '' ? {} : { field: pointer.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~') }

/** The errors of a Problem as those of a row, with names of fields instead of JSON pointers. */
export const rowProblems = (problem: Problem): RowProblem[] =>
  (problem.options.errors ?? []).map(({ pointer, code, message }) => ({ ...fieldAt(pointer), code, message }))

/** What the schema of a request says of a row. */
export const schemaProblems = (error: z.ZodError): RowProblem[] => rowProblems(validationProblem(error))

/** The row's result when a rule of the API refuses it with a Problem. @throws any other error */
export const refused = (error: unknown): RowResult => {
  if (!(error instanceof Problem)) throw error
  const [first] = rowProblems(error)
  return failed(first ?? { code: error.code, message: error.message })
}

/** A row whose match key belongs to a resource that exists: its result, or undefined if the row is to update it. */
export const resultOfMatch = ({ matchBy, onMatch }: Taking, entity: string): RowResult | undefined => {
  if (onMatch === 'update') return undefined
  if (onMatch === 'skip') return { outcome: 'skipped' }
  return failed({ field: matchBy, code: 'exists', message: `belongs to a ${entity} that is there already` })
}

/** A row that names one of our own identifiers which nothing has: it is no new resource. */
export const noMatch = (field: string, entity: string): RowResult =>
  failed({ field, code: 'no_match', message: `there is no ${entity} with this ${field}` })

/** The key that a row is matched by, none if it has none, or why it cannot be one. */
export type MatchKey = { key?: string; problem?: RowProblem }

/** A key of our own making in its stored form. `normalise` gives undefined for what cannot be one. */
export const ownKey = (
  values: FieldValues,
  field: string,
  entity: string,
  normalise: (text: string) => string | undefined = asId,
): MatchKey => {
  const value = values[field]
  if (value === undefined || value === null) return {}
  const key = normalise(String(value).trim())
  return key === undefined
    ? { problem: { field, code: 'invalid', message: `must be a ${entity}’s ${field}` } }
    : { key }
}

const asId = (text: string): string | undefined => (isUuid(text) ? text.toLowerCase() : undefined)
