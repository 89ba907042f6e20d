import { type Condition, markEstimated } from './condition.ts'
import { checkText, type Filter, FilterError, type JsonSchema, splitValues, textValue } from './filters.ts'

const maxKeyLength = 64
const exactly = 'Texts are compared exactly, also in upper and lower case'

/** The alternatives of a value. @throws FilterError */
const textsOf = (value: string): string[] => splitValues(checkText(value, 10_000)).map((text) => checkText(text))

/** The condition that a `jsonb` column contains one of the objects. A GIN index with `jsonb_path_ops` serves it. */
const containsAny = (column: string, objects: readonly object[]): Condition =>
  markEstimated((bind) => {
    const conditions = objects.map((object) => `${column} @> ${bind(JSON.stringify(object))}::jsonb`)
    return `(${conditions.join(' or ')})`
  })

/** A filter on a text in an object in a `jsonb` column. `normalise` converts a value to its stored form. */
export const jsonText = (
  column: string,
  key: string,
  { normalise = (value) => value.trim() }: { normalise?: (value: string) => string } = {},
): Filter => ({
  operators: ['eq'],
  description: `A text. ${exactly}. Separate alternatives with commas; write a comma in a value as \`\\,\``,
  value: textValue,
  column,
  parse: (_operator, value, sql) => {
    const texts = textsOf(value)
    return containsAny(
      sql,
      texts.map((text) => ({ [key]: normalise(text) })),
    )
  },
})

/** A filter whose parameter names a key: `metadata.source=fair`, or `metadata[source]=fair`. It has no operators but equality. */
export type KeyedFilter = {
  /** For the API documentation, without a full stop. */
  description: string
  /** The JSON schemas of a key and of one value. */
  key: JsonSchema
  value: JsonSchema
  column?: string
  /** @throws FilterError */
  parse(key: string, value: string, column: string): Condition
}

/** The values that a text may stand for: `3` is a text and a number, `true` a text and a boolean. */
const readings = (text: string): unknown[] => {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return [text]
  }
  return typeof parsed === 'number' || typeof parsed === 'boolean' ? [text, parsed] : [text]
}

/** A keyed filter on an object with texts, numbers and booleans in a `jsonb` column. */
export const jsonValues = ({ column }: { column?: string } = {}): KeyedFilter => ({
  description: `Values by key, such as \`metadata[source]=fair\`; \`metadata.source=fair\` means the same. ${exactly}; a number, \`true\` and \`false\` also match the text. Separate alternatives with commas; write a comma in a value as \`\\,\``,
  key: { type: 'string', minLength: 1, maxLength: maxKeyLength },
  value: textValue,
  ...(column !== undefined && { column }),
  parse: (key, value, sql) => {
    if (key.length === 0 || key.length > maxKeyLength)
      throw new FilterError(`needs a key of 1 to ${maxKeyLength} characters`)
    checkText(key)
    const values = textsOf(value).flatMap(readings)
    return containsAny(
      sql,
      values.map((each) => ({ [key]: each })),
    )
  },
})
