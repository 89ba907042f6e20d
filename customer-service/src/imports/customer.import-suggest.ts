import type { FieldValues } from '@clientele/features/imports/import-target'
import { isUuid } from '@clientele/platform/data/ids'

const ourCode = /^CUS-\d+$/i

/**
 * Corrects a mapping that was made from the names of columns, by looking at their values:
 * - an `id` or `code` column with a value that is not one of ours holds the ids of another system: `externalId`;
 * - a `name` column without a `surname` column, in which most values have two words, holds full names: `fullName`.
 */
export const suggestCustomer = (
  mapping: Record<string, string>,
  samples: readonly FieldValues[],
): Record<string, string> => {
  const suggested = { ...mapping }
  const columnOf = (field: string) => Object.keys(suggested).find((column) => suggested[column] === field)
  /** The share of values that `test` accepts, from 0 to 1; 1 if the column has no values. */
  const share = (column: string, test: (text: string) => boolean): number => {
    const texts = samples.map((values) => values[column]).filter((value) => value !== undefined && value !== null)
    return texts.length === 0 ? 1 : texts.filter((value) => test(String(value).trim())).length / texts.length
  }
  const foreign: string[] = []
  const id = columnOf('id')
  if (id !== undefined && share(id, isUuid) < 1) foreign.push(id)
  const code = columnOf('code')
  if (code !== undefined && share(code, (text) => ourCode.test(text)) < 1) foreign.push(code)
  for (const column of foreign) {
    delete suggested[column]
    if (columnOf('externalId') === undefined) suggested[column] = 'externalId'
  }
  const name = columnOf('name')
  const fullName = columnOf('fullName')
  if (name !== undefined && columnOf('surname') === undefined && samples.length > 0) {
    if (share(name, (text) => /\S\s+\S/.test(text)) > 0.5) suggested[name] = 'fullName'
  }
  // Separate name columns are more exact than a full name.
  if (fullName !== undefined && name !== undefined) delete suggested[fullName]
  return suggested
}
