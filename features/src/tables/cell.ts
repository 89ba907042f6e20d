import { escapeFormula, escapeFormulaInJson } from './formula-escaping.ts'

const isPlainPart = (part: unknown): boolean =>
  typeof part === 'string' && part !== '' && part === part.trim() && !/[;[{]/.test(part)

/**
 * Formats a value as the text of a CSV cell, with formulas escaped: `['a', '=b']` → `a;'=b`. A list is written as JSON if an item
 * contains a semicolon or a bracket, or begins or ends with a space, and so is an object. null becomes an empty text.
 */
export const cellText = (value: unknown): string => {
  if (typeof value === 'string') return escapeFormula(value)
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value) && value.every(isPlainPart)) return escapeFormula(value.join(';'))
  return escapeFormulaInJson(JSON.stringify(value))
}

/** Parses a cell that contains a list, as {@link cellText} writes it, without escapes: `a; b` or `["a;b","c"]`. */
export const parseListCell = (cell: string): unknown[] => {
  if (cell.startsWith('[')) {
    try {
      const value: unknown = JSON.parse(cell)
      if (Array.isArray(value)) return value
    } catch {
      // Not JSON, only a text that begins with a bracket.
    }
  }
  return cell
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
