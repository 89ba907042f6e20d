import type { Formulas } from '@clientele/contracts/export'
import { escapeFormula, escapeFormulaInJson } from './formula-escaping.ts'

const isPlainPart = (part: unknown): boolean =>
  typeof part === 'string' && part !== '' && part === part.trim() && !/[;,[{"]|:::|^\* /.test(part)

/** Formats a value as {@link cellText} does, but without escaping formulas. */
export const plainCellText = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  if (typeof value !== 'object') return String(value)
  return Array.isArray(value) && value.every(isPlainPart) ? value.join(';') : JSON.stringify(value)
}

/**
 * Formats a value as the text of a CSV cell, with formulas escaped unless they are kept: `['a', '=b']` → `a;'=b`. A list is written
 * as JSON if an item contains a separator, a quote or a bracket, or begins or ends with a space, and so is an object. null becomes an
 * empty text.
 */
export const cellText = (value: unknown, formulas: Formulas = 'escape'): string => {
  const text = plainCellText(value)
  if (formulas === 'keep') return text
  if (typeof value === 'string' || (Array.isArray(value) && value.every(isPlainPart))) return escapeFormula(text)
  return typeof value === 'object' && !(value instanceof Date) ? escapeFormulaInJson(text) : text
}

const quotedItem = /"((?:[^"]|"")*)"\s*(?:[,;]|$)/y

/** Splits `"a, b","c"`; undefined if not all items are quoted. */
const splitQuoted = (cell: string): string[] | undefined => {
  const items: string[] = []
  for (let at = 0; at < cell.length; at = quotedItem.lastIndex) {
    while (cell[at] === ' ') at += 1
    quotedItem.lastIndex = at
    const item = quotedItem.exec(cell)?.[1]
    if (item === undefined) return undefined
    items.push(item.replaceAll('""', '"'))
  }
  return items
}

/** The separator of a list: that of Google Contacts, a semicolon, or a comma. */
const separatorOf = (cell: string): string => [':::', ';'].find((separator) => cell.includes(separator)) ?? ','

/**
 * Parses a cell that contains a list, as {@link cellText} and other programs write it, without escapes: `a; b`, `a, b`, `a ::: b`,
 * `"a, b","c"` or `["a;b","c"]`. Groups that Google Contacts made by itself (`* myContacts`) are left out.
 */
export const parseListCell = (cell: string): unknown[] => {
  if (cell.startsWith('[')) {
    try {
      const value: unknown = JSON.parse(cell)
      if (Array.isArray(value)) return value
    } catch {
      // Not JSON, only a text that begins with a bracket.
    }
  }
  return (splitQuoted(cell) ?? cell.split(separatorOf(cell)))
    .map((part) => part.trim())
    .filter((part) => part !== '' && !part.startsWith('* '))
}
