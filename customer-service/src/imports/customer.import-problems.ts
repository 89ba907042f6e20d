import type { RowProblem } from '@clientele/features/imports/import-target'

type Mapping = Readonly<Record<string, string>>

/** The fields that set others, by the field that they set. */
const sources: Record<string, string> = { name: 'fullName', surname: 'fullName', smsOptOut: 'smsOptIn' }

/** A whole name that has only one word lacks a surname. */
const explain = (problem: RowProblem, lacks: ReadonlySet<string | undefined>): RowProblem =>
  problem.field === 'surname' && problem.code === 'required' && !lacks.has('name')
    ? { ...problem, message: 'must have a first name and a surname' }
    : problem

/**
 * Names the field that a column is mapped to in problems of a field that it sets, so that messages name the column: `fullName` for
 * `name` and `surname`, `smsOptIn` for `smsOptOut`.
 */
export const nameMappedFields = (problems: readonly RowProblem[], mapping: Mapping): RowProblem[] => {
  const mapped = new Set(Object.values(mapping))
  const lacks = new Set(problems.map(({ field }) => field))
  const named = problems.map((problem) => {
    const { field = '' } = problem
    const source = sources[field]
    return source === undefined || mapped.has(field) || !mapped.has(source)
      ? problem
      : { ...explain(problem, lacks), field: source }
  })
  return named.filter(({ field, message }, index) =>
    named.slice(0, index).every((other) => other.field !== field || other.message !== message),
  )
}
