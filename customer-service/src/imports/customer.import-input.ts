import { type CustomerPatch, NewCustomer } from '@clientele/contracts/customer'
import type { Checked, FieldValues, MatchOptions, RowProblem } from '@clientele/features/imports/import-target'
import {
  type MatchKey,
  ownIdOf,
  parseOwnKey,
  toRowProblems,
  toSchemaProblems,
} from '@clientele/features/imports/row-result'
import { explainYesNo, parseYesNo } from '@clientele/features/imports/yes-no'
import { Problem } from '@clientele/platform/runtime/problem'
import type { z } from 'zod'
import { type CustomerFields, newFields } from '../customers/customer.change.ts'
import type { Inputs } from '../customers/customer.input.ts'
import {
  parseCountry,
  parseEmail,
  parseLanguage,
  parseMetadata,
  parsePhone,
  parseSmsOptIn,
  parseTags,
  splitExtension,
} from './customer.cell-values.ts'
import { columnNames } from './customer.column-names.ts'
import { nameMappedFields } from './customer.import-problems.ts'
import { customerPresets } from './customer.presets.ts'

/** A row of a customer import that was checked. Whether it creates or updates a customer is decided later. */
export type CustomerInput = {
  /** The match key; undefined if the row has none, and so creates a customer. */
  key: string | undefined
  /** The id and the code that the row has, if they have the form of ours. */
  own: { id?: string; code?: string }
  /** What the row changes if it matches a customer. */
  patch: CustomerPatch
  /** The new customer if it matches none; undefined if the row lacks something for that, see `problems`. */
  fields: CustomerFields | undefined
  /** Why the row cannot create a customer. */
  problems: RowProblem[]
}

// A column holds one value, so an address is mapped by its keys. Photos are uploaded.
const unmappable: string[] = ['address', 'photoMediaId']
const otherFields = Object.keys(NewCustomer.shape).filter(
  (field) => !(field in columnNames) && !unmappable.includes(field),
)

/** The fields that columns can be mapped to, each with other names of such columns. */
export const importFields: Record<string, readonly string[]> = {
  ...columnNames,
  ...Object.fromEntries(otherFields.map((field) => [field, []])),
}

/** Whether a text has the form of a code that the service gives to customers. */
export const isCustomerCode = (text: string): boolean => /^CUS-\d{1,18}$/i.test(text)

/** Whether a column is mapped to a key of `metadata`, such as `metadata.size`. */
export const isMetadataField = (field: string): boolean => /^metadata\.[^\p{Cc}\p{Cs}]{1,64}$/u.test(field)

const yesNoFields = ['smsOptOut']

const textParsers: Record<string, (text: string) => unknown> = {
  tags: parseTags,
  email: parseEmail,
  locale: parseLanguage,
  'address.country': parseCountry,
}

const parseCell = (field: string, value: unknown): unknown => {
  if (yesNoFields.includes(field)) return parseYesNo(value)
  const text = typeof value === 'number' ? String(value) : value
  const parser = textParsers[field]
  return typeof text === 'string' && parser !== undefined ? parser(text) : text
}

// What may follow a comma in a name that does not begin with the surname.
const suffix = /^(jr|sr|i{1,3}|iv|ph\.?d|m\.?d|inc|ltd|llc|gmbh|s\.?a|b\.?v|co)\.?$/i

/** `Ana Maria Lovelace` and `Lovelace, Ana Maria` → name `Ana Maria`, surname `Lovelace`. A single word is the name. */
export const splitName = (value: string): { name: string; surname?: string } => {
  const [surnameFirst = '', given, ...more] = value.split(',').map((part) => part.trim())
  if (given && surnameFirst && more.length === 0 && !suffix.test(given)) return { name: given, surname: surnameFirst }
  const words = value.trim().split(/\s+/)
  const surname = words.length > 1 ? words.pop() : undefined
  return { name: words.join(' '), ...(surname !== undefined && { surname }) }
}

// defineProperty, so that a key such as `__proto__` does not change the prototype.
const setOwn = (into: object, key: string, value: unknown) =>
  Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true })

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Adds keys of `metadata`: those of a column with a JSON object. The keys that columns of their own have win. */
const addMetadata = (body: Record<string, unknown>, value: unknown): void => {
  const present = body['metadata']
  const added = typeof value === 'string' ? parseMetadata(value) : value
  // A text that is no JSON object stays, so that the schema refuses it.
  if (typeof present === 'string' || (isObject(present) && added === null)) return
  if (isObject(present) && isObject(added)) for (const [key, own] of Object.entries(present)) setOwn(added, key, own)
  body['metadata'] = added
}

/** The object that has the keys of a group; undefined if a column for the whole group has something else. */
const groupOf = (body: Record<string, unknown>, group: string): object | undefined => {
  const inner = body[group] ?? {}
  body[group] = inner
  return isObject(inner) ? inner : undefined
}

const setField = (body: Record<string, unknown>, field: string, value: unknown): void => {
  if (field === 'metadata') {
    addMetadata(body, value)
    return
  }
  if (field === 'fullName') {
    if (typeof value === 'string') Object.assign(body, splitName(value))
    return
  }
  if (field === 'smsOptIn') return void setOwn(body, 'smsOptOut', parseSmsOptIn(value))
  const dot = field.indexOf('.')
  if (dot === -1) {
    const parsed = parseCell(field, value)
    if (parsed !== undefined) setOwn(body, field, parsed)
    return
  }
  const group = field.slice(0, dot)
  const inner = groupOf(body, group)
  if (inner) setOwn(inner, field.slice(dot + 1), group === 'metadata' ? value : parseCell(field, value))
}

const countryOf = ({ address }: { address?: { country?: unknown } }): string | undefined =>
  typeof address?.country === 'string' ? address.country : undefined

/** Sets the number without its extension, which becomes metadata: a stored number is one that can be dialled from anywhere. */
const setPhone = (
  body: Record<string, unknown>,
  text: string,
  { country, preset }: Pick<MatchOptions, 'country' | 'preset'>,
): void => {
  const { number, extension } = splitExtension(text)
  const withoutPlus = preset !== null && customerPresets[preset].phonesWithoutPlus === true
  body['phone'] = parsePhone(number, countryOf(body) ?? country ?? undefined, withoutPlus)
  if (extension !== undefined) addMetadata(body, { phoneExtension: extension })
}

/**
 * Builds the body of a POST or PATCH from a row. `emptied` says whether a field is null: null empties a field of an existing
 * customer and has no meaning for a new one, so only a PATCH keeps it (`keepNulls`).
 */
const buildBody = (
  values: FieldValues,
  { country, preset }: MatchOptions,
  keepNulls: boolean,
): { body: Record<string, unknown>; emptied: boolean } => {
  const body: Record<string, unknown> = {}
  let emptied = false
  for (const field in values) {
    if (field === 'id' || field === 'code') continue
    const value = values[field]
    if (value === null) emptied = true
    if (value !== null || keepNulls) setField(body, field, value)
  }
  if (typeof body['phone'] === 'string') setPhone(body, body['phone'], { country, preset })
  return { body, emptied }
}

type Outcome<T> = { value: T } | { problems: RowProblem[] }

/** Runs a rule of the API and returns its Problem as row problems. */
const attempt = <T>(rule: () => T): Outcome<T> => {
  try {
    return { value: rule() }
  } catch (error) {
    if (error instanceof Problem) return { problems: toRowProblems(error) }
    throw error
  }
}
const explainMetadata = (problems: readonly RowProblem[]): RowProblem[] =>
  problems.map((problem) =>
    problem.field === 'metadata' && problem.code === 'invalid_type'
      ? { field: 'metadata', code: 'invalid_json', message: 'must be a JSON object such as {"size":"L"}' }
      : problem,
  )

// `reportInput` makes parsing slower and only error messages need it. Most rows are valid, so it is used in a second pass.
const parse = <T>(schema: z.ZodType<T>, body: unknown): Outcome<T> => {
  const result = schema.safeParse(body)
  if (result.success) return { value: result.data }
  const { error } = schema.safeParse(body, { reportInput: true })
  return { problems: error ? explainMetadata(explainYesNo(toSchemaProblems(error), yesNoFields)) : [] }
}

const normaliseCode = (text: string): string | undefined =>
  text.length <= 100 && !/\p{Cc}/u.test(text) ? text.toUpperCase() : undefined

const readOwnKeys = (values: FieldValues): CustomerInput['own'] => {
  const { code } = values
  const id = ownIdOf(values)
  const own: CustomerInput['own'] = id === undefined ? {} : { id }
  if (typeof code === 'string' && isCustomerCode(code.trim())) own.code = code.trim().toUpperCase()
  return own
}

const parseMatchKey = (values: FieldValues, patch: CustomerPatch, { matchBy }: MatchOptions): MatchKey => {
  if (matchBy === 'id') return parseOwnKey(values, 'id', 'customer')
  if (matchBy === 'code') return parseOwnKey(values, 'code', 'customer', normaliseCode)
  const key = patch[matchBy as 'email' | 'phone' | 'externalId']
  return typeof key === 'string' ? { key } : {}
}

/**
 * Checks a row with the schemas of POST and PATCH. A row that is not valid as a new customer is still accepted if it is a
 * valid change of an existing one.
 */
export const createCustomerCheck = (inputs: Inputs) => {
  return (values: FieldValues, options: MatchOptions): Checked<CustomerInput> => {
    const { body, emptied } = buildBody(values, options, false)
    const post = parse<NewCustomer>(inputs.NewCustomer, body)
    const patch =
      'value' in post && !emptied
        ? (post as { value: CustomerPatch })
        : parse<CustomerPatch>(inputs.CustomerPatch, emptied ? buildBody(values, options, true).body : body)
    const named = (problems: RowProblem[]) => nameMappedFields(problems, options.mapping)
    if ('problems' in patch) return { problems: named('problems' in post && !emptied ? post.problems : patch.problems) }
    const { key, problem } = parseMatchKey(values, patch.value, options)
    if (problem) return { problems: [problem] }
    const created = 'value' in post ? attempt(() => newFields(post.value)) : post
    const fields = 'value' in created ? created.value : undefined
    const problems = 'problems' in created ? named(created.problems) : []
    return { input: { key, own: readOwnKeys(values), patch: patch.value, fields, problems } }
  }
}
