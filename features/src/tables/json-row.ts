import { maxJsonDepth } from '@clientele/platform/http/json-depth'
import type { JsonScanner } from './json-scanner.ts'
import { EmptyValues, faultyRow, type ReadLimits, type ReadPosition, type Row, type RowFaultCode } from './row.ts'

/** How objects become rows. `dotted` makes `address.street` of what stands within `address`; lists stay as they are. */
export type JsonRowOptions = { dotted: boolean; limits: ReadLimits }

class Refused extends Error {
  readonly code: RowFaultCode
  constructor(code: RowFaultCode, message: string) {
    super(message)
    this.code = code
  }
}

/** A row of the text of one value that `scanner` has been through. */
export const jsonRow = (text: Buffer, scanner: JsonScanner, end: ReadPosition, options: JsonRowOptions): Row => {
  try {
    return { number: end.row, values: valuesOf(text, scanner, options), end }
  } catch (error) {
    if (error instanceof Refused) return faultyRow(end, error.code, error.message, text)
    throw error
  }
}

const valuesOf = (
  text: Buffer,
  { colons, isTooDeep }: JsonScanner,
  options: JsonRowOptions,
): Record<string, unknown> => {
  const { dotted, limits } = options
  if (text.length > limits.rowBytes) throw new Refused('row_too_long', `has more than ${limits.rowBytes} bytes`)
  if (text.includes(0)) throw new Refused('nul_character', 'contains a NUL character')
  if (isTooDeep) throw new Refused('too_deep', `is nested deeper than ${maxJsonDepth} levels`)
  const source = text.toString()
  const value = parse(source)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refused('not_an_object', 'is not an object')
  const look = { keys: 0, escapes: source.includes('\\u'), longest: limits.cellLength }
  inspect(value, look)
  // A repeated key leaves one behind: which of its values is meant, nobody knows.
  if (look.keys !== colons) throw new Refused('duplicate_key', 'has a key more than once')
  const values = new EmptyValues()
  if (dotted) flatten(value as Record<string, unknown>, '', values)
  else for (const key of Object.keys(value)) values[key] = (value as Record<string, unknown>)[key]
  if (Object.keys(values).length > limits.columns)
    throw new Refused('too_many_columns', `has more than ${limits.columns} fields`)
  return values
}

const longNumber = /[\d.]{16}/

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown

// A number that JavaScript would round stays the text that it was: it is an id or an amount.
const exact: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && source !== undefined && source.length > 15 && String(value) !== source ? source : value

const parse = (source: string): unknown => {
  try {
    return longNumber.test(source) ? JSON.parse(source, exact as Parameters<typeof JSON.parse>[1]) : JSON.parse(source)
  } catch {
    throw new Refused('invalid_json', 'is not valid JSON')
  }
}

type Look = { keys: number; escapes: boolean; longest: number }

const inspect = (value: unknown, look: Look): void => {
  if (typeof value === 'string') inspectText(value, look)
  else if (Array.isArray(value)) for (const each of value) inspect(each, look)
  else if (typeof value === 'object' && value !== null)
    for (const key of Object.keys(value)) {
      look.keys += 1
      inspectText(key, look)
      inspect((value as Record<string, unknown>)[key], look)
    }
}

const inspectText = (value: string, { escapes, longest }: Look): void => {
  if (value.length > longest) throw new Refused('cell_too_long', `has more than ${longest} characters in one value`)
  if (!escapes) return
  if (value.includes('\0')) throw new Refused('nul_character', 'contains a NUL character')
  if (!value.isWellFormed()) throw new Refused('lone_surrogate', 'contains half of a surrogate pair')
}

const flatten = (value: Record<string, unknown>, prefix: string, into: Record<string, unknown>): void => {
  for (const key of Object.keys(value)) {
    const name = prefix + key
    const inner = value[key]
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner))
      flatten(inner as Record<string, unknown>, `${name}.`, into)
    else if (name in into)
      throw new Refused('duplicate_key', `has ${JSON.stringify(name.slice(0, 100))} more than once`)
    else into[name] = inner
  }
}
