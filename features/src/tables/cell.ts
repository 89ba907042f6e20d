/**
 * A value as a cell: a list between semicolons, or as JSON where a part has one; an object as JSON; nothing for null.
 */
export const cellText = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  if (!Array.isArray(value)) return typeof value === 'object' ? JSON.stringify(value) : String(value)
  const isPlain = value.every((part) => typeof part === 'string' && part !== '' && !/[;[{]/.test(part))
  return isPlain ? value.join(';') : JSON.stringify(value)
}

/** The parts of a cell that holds a list: what {@link cellText} wrote, or texts between semicolons. */
export const listOf = (cell: string): unknown[] => {
  if (cell.startsWith('[')) {
    try {
      const value: unknown = JSON.parse(cell)
      if (Array.isArray(value)) return value
    } catch {
      // No JSON: a text that begins with a bracket.
    }
  }
  return cell
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
