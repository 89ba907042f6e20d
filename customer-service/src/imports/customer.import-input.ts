import { type CustomerPatch, NewCustomer } from '@clientele/contracts/customer'
import type { Checked, FieldValues, RowProblem, Taking } from '@clientele/features/imports/import-target'
import { type MatchKey, ownKey, rowProblems, schemaProblems } from '@clientele/features/imports/row-result'
import { explainYesNo, parseYesNo } from '@clientele/features/imports/yes-no'
import { listOf } from '@clientele/features/tables/cell'
import { Problem } from '@clientele/platform/runtime/problem'
import type { z } from 'zod'
import { type CustomerFields, fieldsOf } from '../customers/customer.change.ts'
import type { Inputs } from '../customers/customer.input.ts'

/**
 * A row of customers: what it is matched by, what it changes of one that is there, and what a new one would be, or why it cannot
 * become one.
 */
export type CustomerInput = {
  key: string | undefined
  patch: CustomerPatch
  fields: CustomerFields | undefined
  problems: RowProblem[]
}

/** Other names that columns may have. */
const columnNames: Record<string, readonly string[]> = {
  id: ['customer id', 'uuid'],
  code: ['customer code', 'customer number', 'kundennummer'],
  externalId: ['_id.$oid', 'external id', 'reference', 'ref', 'foreign id', 'legacy id', 'customer ref'],
  name: ['first name', 'given name', 'forename', 'firstname', 'vorname', 'prénom', 'nombre', 'nome', 'jina'],
  surname: ['last name', 'family name', 'lastname', 'nachname', 'nom', 'apellido', 'apellidos', 'sobrenome', 'cognome'],
  fullName: ['full name', 'customer name', 'customer', 'contact', 'contact name', 'display name'],
  email: ['e-mail', 'mail', 'email address', 'e-mail address', 'correo', 'courriel'],
  phone: [
    'phone number',
    'telephone',
    'tel',
    'mobile',
    'mobile number',
    'mobile phone',
    'cell',
    'telefon',
    'teléfono',
    'msisdn',
  ],
  tags: ['tag', 'labels', 'groups', 'categories', 'segments'],
  locale: ['language', 'lang', 'sprache', 'langue', 'idioma'],
  smsOptOut: ['sms opt out', 'no sms', 'opt out', 'unsubscribed'],
  'address.street': ['street', 'address', 'address line 1', 'address 1', 'straße', 'strasse', 'rue', 'calle'],
  'address.city': ['city', 'town', 'ort', 'stadt', 'ville', 'ciudad', 'cidade'],
  'address.postalCode': ['postal code', 'postcode', 'zip', 'zip code', 'plz', 'code postal', 'código postal'],
  'address.region': ['region', 'state', 'county', 'province', 'bundesland'],
  'address.country': ['country', 'country code', 'land', 'pays', 'país'],
}

// A column holds one value; a photo is uploaded.
const noColumns: string[] = ['address', 'metadata', 'photoMediaId']
const others = Object.keys(NewCustomer.shape).filter((field) => !(field in columnNames) && !noColumns.includes(field))

/** Fields of a customer that columns go into, with other names that columns may have. */
export const importFields: Record<string, readonly string[]> = {
  ...columnNames,
  ...Object.fromEntries(others.map((field) => [field, []])),
}

/** `metadata.size` keeps the column as free data. */
export const takesMetadata = (field: string): boolean => /^metadata\..{1,64}$/s.test(field)

const flags = ['smsOptOut']

const textOf = (value: unknown): unknown => (typeof value === 'number' ? String(value) : value)
const parseCell = (field: string, value: unknown): unknown => {
  if (field === 'tags') return typeof value === 'string' ? listOf(value) : value
  return flags.includes(field) ? parseYesNo(value) : textOf(value)
}

/** `Ana Maria Lovelace` → Ana Maria, Lovelace; one word alone is the name. */
const splitName = (value: string): { name: string; surname?: string } => {
  const words = value.trim().split(/\s+/)
  const surname = words.length > 1 ? words.pop() : undefined
  return { name: words.join(' '), ...(surname !== undefined && { surname }) }
}

// A key such as __proto__ is a key.
const put = (into: object, key: string, value: unknown) =>
  Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true })

const setField = (body: Record<string, unknown>, field: string, value: unknown): void => {
  if (field === 'fullName') {
    if (typeof value === 'string') Object.assign(body, splitName(value))
    return
  }
  const dot = field.indexOf('.')
  if (dot === -1) return void put(body, field, parseCell(field, value))
  const group = field.slice(0, dot)
  const inner = (body[group] ?? {}) as object
  body[group] = inner
  put(inner, field.slice(dot + 1), group === 'metadata' ? value : textOf(value))
}

/** The request body that a row stands for. `emptied`: a field is null, which only a change can mean; `nulls` keeps them. */
const bodyOf = (values: FieldValues, nulls: boolean): { body: Record<string, unknown>; emptied: boolean } => {
  const body: Record<string, unknown> = {}
  let emptied = false
  for (const field in values) {
    if (field === 'id' || field === 'code') continue
    const value = values[field]
    if (value === null) emptied = true
    if (value !== null || nulls) setField(body, field, value)
  }
  return { body, emptied }
}

type Outcome<T> = { value: T } | { problems: RowProblem[] }

/** Runs a rule of the API. */
const applyRule = <T>(rule: () => T): Outcome<T> => {
  try {
    return { value: rule() }
  } catch (error) {
    if (error instanceof Problem) return { problems: rowProblems(error) }
    throw error
  }
}
// Most rows are valid: the input that messages need is reported only for those that are not.
const parse = <T>(schema: z.ZodType<T>, body: unknown): Outcome<T> => {
  const result = schema.safeParse(body)
  if (result.success) return { value: result.data }
  const { error } = schema.safeParse(body, { reportInput: true })
  return { problems: error ? explainYesNo(schemaProblems(error), flags) : [] }
}

const asCode = (text: string): string | undefined =>
  text.length <= 100 && !/\p{Cc}/u.test(text) ? text.toUpperCase() : undefined

const keyOf = (values: FieldValues, patch: CustomerPatch, { matchBy }: Taking): MatchKey => {
  if (matchBy === 'id') return ownKey(values, 'id', 'customer')
  if (matchBy === 'code') return ownKey(values, 'code', 'customer', asCode)
  const key = patch[matchBy as 'email' | 'phone' | 'externalId']
  return typeof key === 'string' ? { key } : {}
}

/** Checks a row by the very schemas of POST and PATCH. What is no new customer can still change one. */
export const customerCheck = (inputs: Inputs) => {
  return (values: FieldValues, taking: Taking): Checked<CustomerInput> => {
    const { body, emptied } = bodyOf(values, false)
    const whole = parse<NewCustomer>(inputs.NewCustomer, body)
    const part =
      'value' in whole && !emptied
        ? (whole as { value: CustomerPatch })
        : parse<CustomerPatch>(inputs.CustomerPatch, emptied ? bodyOf(values, true).body : body)
    if ('problems' in part) return { problems: 'problems' in whole && !emptied ? whole.problems : part.problems }
    const { key, problem } = keyOf(values, part.value, taking)
    if (problem) return { problems: [problem] }
    const made = 'value' in whole ? applyRule(() => fieldsOf(whole.value)) : whole
    const fields = 'value' in made ? made.value : undefined
    return { input: { key, patch: part.value, fields, problems: 'problems' in made ? made.problems : [] } }
  }
}
