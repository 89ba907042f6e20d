import { foldText } from '@clientele/platform/lists/words/fold-text'

/** A name of a column without case, accents, spaces and punctuation. */
export const normaliseName = (name: string): string => foldText(name).replace(/[^\p{L}\p{N}]/gu, '')

const normalised = new WeakMap<readonly string[], readonly string[]>()
/** Normalises the names of a field once, because every key of a JSON file is compared with them. */
const normaliseNames = (names: readonly string[]): readonly string[] => {
  const known = normalised.get(names) ?? names.map(normaliseName)
  normalised.set(names, known)
  return known
}

/** Creates a function that says whether a column of this name would be suggested for a field. */
export const createKnownNames = (fields: Record<string, readonly string[]>): ((name: string) => boolean) => {
  const names = new Set(Object.entries(fields).flatMap(([field, others]) => [field, ...others].map(normaliseName)))
  return (name) => names.has(normaliseName(name))
}

/**
 * Suggests a field for each column: by the field's own name, then by its other names, the first ones first. Case, accents, spaces
 * and punctuation are ignored. Each field is suggested at most once.
 * @param fields each field with its other names, for example `{ name: ['first name', 'Vorname'] }`
 */
export const suggestMapping = (
  columns: readonly string[],
  fields: Record<string, readonly string[]>,
): Record<string, string> => {
  const columnOf = new Map(columns.toReversed().map((column) => [normaliseName(column), column]))
  const mapping = new Map<string, string>()
  const taken = new Set<string>()
  const suggest = (field: string, names: readonly string[]): void => {
    for (const name of normaliseNames(names)) {
      const column = columnOf.get(name)
      if (column === undefined || taken.has(field) || mapping.has(column)) continue
      taken.add(field)
      mapping.set(column, field)
    }
  }
  for (const field of Object.keys(fields)) suggest(field, [field])
  for (const [field, others] of Object.entries(fields)) suggest(field, others)
  const inOrder = columns.map((column): [string, string | undefined] => [column, mapping.get(column)])
  return Object.fromEntries(inOrder.filter((pair): pair is [string, string] => pair[1] !== undefined))
}
