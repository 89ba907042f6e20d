import { maxJsonDepth } from '@clientele/platform/http/json-depth'
import type { JsonScanner } from './json-scanner.ts'
import {
  EmptyValues,
  invalidRow,
  type ReadLimits,
  type ReadPosition,
  type Row,
  type RowErrorCode,
  tooLongRow,
} from './row.ts'

/** With `dotted`, nested objects become dotted keys such as `address.street`; lists are unchanged. */
export type JsonRowOptions = { dotted: boolean; limits: ReadLimits }

class JsonRowError extends Error {
  readonly code: RowErrorCode
  constructor(code: RowErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Parses the text of one value, which `scanner` has scanned. An error becomes an invalid row. */
export const parseJsonRow = (text: Buffer, scanner: JsonScanner, end: ReadPosition, options: JsonRowOptions): Row => {
  const { rowBytes } = options.limits
  if (text.length > rowBytes) return tooLongRow(end, rowBytes, 'values', text)
  try {
    return { number: end.row, values: valuesOf(text, scanner, options), end }
  } catch (error) {
    if (error instanceof JsonRowError) return invalidRow(end, error.code, error.message, text)
    throw error
  }
}

const valuesOf = (
  text: Buffer,
  { colons, isTooDeep }: JsonScanner,
  options: JsonRowOptions,
): Record<string, unknown> => {
  const { dotted, limits } = options
  if (text.includes(0)) throw new JsonRowError('nul_character', 'the row contains a NUL character; remove it')
  if (isTooDeep)
    throw new JsonRowError('too_deep', `the row is nested more than ${maxJsonDepth} levels deep; flatten it`)
  const source = text.toString()
  const value = parse(source)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new JsonRowError('not_an_object', 'the row is not a JSON object')
  const inspection = { keys: 0, escapes: source.includes('\\u'), maxLength: limits.cellLength }
  inspect(value, inspection)
  // JSON.parse keeps only one value of a repeated key, so the object then has fewer keys than the text has colons.
  if (inspection.keys !== colons)
    throw new JsonRowError('duplicate_key', 'the row has a key more than once; remove one of them')
  const values = new EmptyValues()
  if (dotted) flatten(value as Record<string, unknown>, '', values)
  else for (const key of Object.keys(value)) values[key] = (value as Record<string, unknown>)[key]
  if (Object.keys(values).length > limits.columns)
    throw new JsonRowError('too_many_columns', `the row has more than ${limits.columns} fields`)
  return values
}

const longNumber = /[\d.]{16}/

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown

// A number that JavaScript would round becomes a string, because it may be an id or an amount.
const keepExactNumber: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && source !== undefined && source.length > 15 && String(value) !== source ? source : value

const parse = (source: string): unknown => {
  try {
    return longNumber.test(source)
      ? JSON.parse(source, keepExactNumber as Parameters<typeof JSON.parse>[1])
      : JSON.parse(source)
  } catch {
    throw new JsonRowError('invalid_json', 'the row is not valid JSON')
  }
}

/** `escapes`: the text contains `\u`, so a value may contain NUL or half of a surrogate pair. */
type Inspection = { keys: number; escapes: boolean; maxLength: number }

/** Counts the keys of a value. @throws JsonRowError for a text that cannot be stored or is too long */
const inspect = (value: unknown, inspection: Inspection): void => {
  if (typeof value === 'string') inspectText(value, inspection)
  else if (Array.isArray(value)) for (const each of value) inspect(each, inspection)
  else if (typeof value === 'object' && value !== null)
    for (const key of Object.keys(value)) {
      inspection.keys += 1
      inspectText(key, inspection)
      inspect((value as Record<string, unknown>)[key], inspection)
    }
}

const inspectText = (value: string, { escapes, maxLength }: Inspection): void => {
  if (value.length > maxLength)
    throw new JsonRowError('cell_too_long', `the row has a value of more than ${maxLength} characters; shorten it`)
  if (!escapes) return
  if (value.includes('\0')) throw new JsonRowError('nul_character', 'the row contains a NUL character; remove it')
  if (!value.isWellFormed())
    throw new JsonRowError(
      'lone_surrogate',
      'the row contains an invalid character (half of a surrogate pair); remove it',
    )
}

const flatten = (value: Record<string, unknown>, prefix: string, into: Record<string, unknown>): void => {
  for (const key of Object.keys(value)) {
    const name = prefix + key
    const inner = value[key]
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner))
      flatten(inner as Record<string, unknown>, `${name}.`, into)
    else if (name in into)
      throw new JsonRowError(
        'duplicate_key',
        `the row has the key ${JSON.stringify(name.slice(0, 100))} more than once; remove one of them`,
      )
    else into[name] = inner
  }
}
