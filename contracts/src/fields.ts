import { z } from 'zod'

/** A resource id: a UUIDv7 (RFC 9562) that the service creates. Any other UUID is the id of nothing. */
export const uuid = z.guid().meta({ example: '0190a5c4-6f00-7000-8000-000000000001' })

/** An instant in UTC: RFC 3339 with milliseconds. */
export const time = z.iso.datetime().meta({ example: '2026-11-20T09:30:00.000Z' })

const noControl = /^[^\p{Cc}\p{Cs}]*$/u
const controlMessage = 'must not contain control characters'

// For OpenAPI: the same rules before trimming, as character ranges that every regular-expression engine supports.
const control = '\\x00-\\x1f\\x7f-\\x9f'
const invisible =
  '\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8'
const linePattern = `^\\s*[ ${invisible}]*[^\\s${control}${invisible}][^${control}]*\\s*$`
const paragraphPattern = '^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$'

const notInKeys = `/\\\\${control}`
// A key is neither `.` nor `..`. Written without a look-ahead, which validators in Go and Rust do not know.
const afterDot = `\\. *[^.\\s${notInKeys}]|\\. +\\.|\\.\\. *[^\\s${notInKeys}]`
const recordKeyPattern = `^\\s*[ ${invisible}]*(?:[^.\\s${notInKeys}${invisible}]|${afterDot})[^${notInKeys}]*$`

const anyLine = (max: number) => z.string().max(max).trim().min(1).regex(noControl, controlMessage)

// U+2800 is a Braille pattern without dots. An empty text has another error already.
const visible = /^$|[^\s\p{Default_Ignorable_Code_Point}\u2800]/u

/**
 * Creates the schema of one line of text, trimmed, with a visible character and without control characters. `max` counts UTF-16
 * code units before trimming.
 */
export const line = (max: number) =>
  anyLine(max)
    .refine((text) => visible.test(text), 'must have a visible character')
    .meta({ pattern: linePattern })

/**
 * A path parameter that is text. It is no dot segment and has no slash or backslash, because the gateway refuses those in a
 * path.
 */
export const pathKey = anyLine(300).meta({
  pattern: `^(?:[^.\\s${notInKeys}][^${notInKeys}]*|\\.[^.${notInKeys}][^${notInKeys}]*|\\.\\.[^${notInKeys}]+)$`,
})

const noControlInLines = /^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])*$/u

/**
 * Creates the schema of a unique value that names a record in a path, such as a SKU: a line of text that a path can carry, because
 * the gateway refuses encoded slashes, backslashes and dot segments.
 */
export const recordKey = (max: number) =>
  line(max)
    .refine((key) => !/[/\\]/.test(key), 'must not contain / or \\, because paths name the record by it')
    .refine((key) => key !== '.' && key !== '..', 'must not be . or .., because paths name the record by it')
    .meta({ pattern: recordKeyPattern })

/** Creates the schema of text of several lines, trimmed. It may contain line breaks and tabs, but no other control characters. */
export const paragraph = (max: number) =>
  z.string().max(max).trim().regex(noControlInLines, controlMessage).meta({ pattern: paragraphPattern })

/** Creates the schema of the name of a column in a file: as {@link paragraph}, but with the spaces that the file has. */
export const columnName = (max: number) =>
  z.string().max(max).regex(noControlInLines, controlMessage).meta({ pattern: paragraphPattern })

/** A telephone number in any usual notation. Without `+` it is a number of the shop's country. Services return it as E.164. */
export const phone = z
  .string()
  .trim()
  .min(3)
  .max(40)
  .regex(/^[\d\s+().\-/]+$/, 'must be a telephone number')
  .meta({ example: '+254711000111' })

/**
 * Metadata that makes `schema` the whole schema in OpenAPI. A plain `override` would be merged with the generated keywords, and
 * generators fail at a `$ref` beside others.
 */
export const documentedAs = (schema: Record<string, unknown>) => ({
  override: ({ jsonSchema }: { jsonSchema: Record<string, unknown> }): void => {
    for (const key of Object.keys(jsonSchema)) delete jsonSchema[key]
    Object.assign(jsonSchema, schema)
  },
})

/** A boolean in a query or a form, where it is a text. */
export const booleanText = z.enum(['true', 'false']).meta(documentedAs({ type: 'boolean' }))

/** Whether a name is that of a time zone in the IANA database, such as `Africa/Nairobi`. */
export const isTimeZone = (name: string): boolean => {
  // Offsets such as `+03:00` are no names, and PostgreSQL reads them with the opposite sign.
  if (!/^[A-Za-z][\w+-]*(\/[\w+-]+)*$/.test(name)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}

/** The actor of a change. The display name stays readable after the user is deleted. */
export const ActorRef = z.object({ id: z.string(), displayName: z.string() }).meta({
  id: 'ActorRef',
  description: 'A user, a service or the system. The display name stays readable after the user is deleted.',
})
export type ActorRef = z.infer<typeof ActorRef>

/** Marks a field of a response that a request cannot set. */
export const readOnly = <Schema extends z.ZodType>(schema: Schema): Schema => schema.meta({ readOnly: true })

/** The stamps of every stored resource. `version` grows by one with every change. */
export const stamps = {
  createdAt: readOnly(time),
  createdBy: readOnly(ActorRef),
  updatedAt: readOnly(time),
  updatedBy: readOnly(ActorRef),
  version: readOnly(z.int().min(1)),
}

/** The field `deletedAt` of a resource with a trash. */
export const deletedAt = (resource: string) =>
  time.nullable().meta({
    description: `When the ${resource} was moved to the trash; null if it is not in the trash.`,
    readOnly: true,
  })

const text = z
  .string()
  .max(1000)
  .trim()
  .regex(noControl, controlMessage)
  .meta({ pattern: `^\\s*[^${control}]*\\s*$` })
// Larger integers lose digits in many JSON parsers (RFC 8259, section 6).
const exactNumber = z.number().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER)

/**
 * Creates the schema of a record with at most `max` keys. The keys are counted before any of them is parsed, so that a body with
 * tens of thousands of them costs no more than reading it.
 */
export const limitedRecord = <Schema extends z.ZodRecord>(max: number, name: string, schema: Schema) =>
  z.preprocess((value, context) => {
    const isTooLong = typeof value === 'object' && value !== null && Object.keys(value).length > max
    if (!isTooLong) return value
    context.addIssue(`must have at most ${max.toLocaleString('en')} ${name}`)
    return z.NEVER
  }, schema)

/** Key-value pairs of a shop: at most 50 keys of 64 characters, texts up to 1,000 characters, numbers up to 2^53 - 1. */
export const metadata = limitedRecord(
  50,
  'keys',
  z.record(
    z
      .string()
      .min(1)
      .max(64)
      .regex(noControl, controlMessage)
      .meta({ pattern: `^[^${control}]*$` }),
    z.union(
      [text, exactNumber, z.boolean(), z.null()],
      'must be a line of text up to 1,000 characters, a number up to 9007199254740991, true, false or null',
    ),
  ),
)
