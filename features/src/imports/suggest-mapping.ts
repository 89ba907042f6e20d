import { foldText } from '@clientele/platform/lists/fold-text'

const normaliseName = (name: string): string => foldText(name).replace(/[^\p{L}\p{N}]/gu, '')

/** Creates a function that says whether a column of this name would be suggested for a field. */
export const createKnownNames = (fields: Record<string, readonly string[]>): ((name: string) => boolean) => {
  const names = new Set(Object.entries(fields).flatMap(([field, others]) => [field, ...others].map(normaliseName)))
  return (name) => names.has(normaliseName(name))
}

/**
 * Suggests a field for each column: by the field's own name, then by its other names. Case, accents, spaces and punctuation are
 * ignored. Each field is suggested at most once.
 * @param fields each field with its other names, for example `{ name: ['first name', 'Vorname'] }`
 */
export const suggestMapping = (
  columns: readonly string[],
  fields: Record<string, readonly string[]>,
): Record<string, string> => {
  const mapping = new Map<string, string>()
  const taken = new Set<string>()
  const suggest = (names: Map<string, string>): void => {
    for (const column of columns) {
      const field = names.get(normaliseName(column))
      if (field === undefined || taken.has(field) || mapping.has(column)) continue
      taken.add(field)
      mapping.set(column, field)
    }
  }
  suggest(new Map(Object.keys(fields).map((field) => [normaliseName(field), field])))
  suggest(
    new Map(Object.entries(fields).flatMap(([field, others]) => others.map((other) => [normaliseName(other), field]))),
  )
  return Object.fromEntries(mapping)
}
