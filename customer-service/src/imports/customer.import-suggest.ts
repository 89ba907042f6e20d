import type { FieldValues } from '@clientele/features/imports/import-target'
import { isUuid } from '@clientele/platform/data/ids'

const ourCode = /^CUS-\d+$/i

/**
 * Names mislead: an `id` that is none of ours is the id of another system, and a `name` beside which there is no surname is a whole
 * name where most have two words.
 */
export const suggestCustomer = (
  mapping: Record<string, string>,
  samples: readonly FieldValues[],
): Record<string, string> => {
  const suggested = { ...mapping }
  const columnOf = (field: string) => Object.keys(suggested).find((column) => suggested[column] === field)
  const share = (column: string, holds: (text: string) => boolean): number => {
    const texts = samples.map((values) => values[column]).filter((value) => value !== undefined && value !== null)
    return texts.length === 0 ? 1 : texts.filter((value) => holds(String(value).trim())).length / texts.length
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
  const whole = columnOf('fullName')
  if (name !== undefined && columnOf('surname') === undefined && samples.length > 0) {
    if (share(name, (text) => /\S\s+\S/.test(text)) > 0.5) suggested[name] = 'fullName'
  }
  // Parts of the name say more than the whole.
  if (whole !== undefined && name !== undefined) delete suggested[whole]
  return suggested
}
