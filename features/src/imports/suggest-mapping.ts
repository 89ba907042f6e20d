import { foldText } from '@clientele/platform/lists/fold-text'

const plain = (name: string): string => foldText(name).replace(/[^\p{L}\p{N}]/gu, '')

/**
 * Suggests which column goes into which field: by the field's own name, then by one of its other names, whatever the case,
 * accents, spaces and punctuation. Each field is suggested once.
 * @param fields each field with its other names: `{ name: ['first name', 'Vorname'] }`
 */
export const suggestMapping = (
  columns: readonly string[],
  fields: Record<string, readonly string[]>,
): Record<string, string> => {
  const mapping = new Map<string, string>()
  const taken = new Set<string>()
  const suggest = (names: Map<string, string>): void => {
    for (const column of columns) {
      const field = names.get(plain(column))
      if (field === undefined || taken.has(field) || mapping.has(column)) continue
      taken.add(field)
      mapping.set(column, field)
    }
  }
  suggest(new Map(Object.keys(fields).map((field) => [plain(field), field])))
  suggest(new Map(Object.entries(fields).flatMap(([field, others]) => others.map((other) => [plain(other), field]))))
  return Object.fromEntries(mapping)
}
