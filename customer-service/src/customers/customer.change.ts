import { isDeepStrictEqual } from 'node:util'
import type { CustomerPatch, NewCustomer } from '@clientele/contracts/customer'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import type { CustomerRow } from './customer.model.ts'

const settable = [
  'externalId',
  'name',
  'surname',
  'email',
  'phone',
  'photoMediaId',
  'tags',
  'address',
  'locale',
  'smsOptOut',
  'metadata',
] as const
/** The part of a customer that clients set. */
export type CustomerFields = Pick<CustomerRow, (typeof settable)[number]>

const maxMetadataKeys = 50
const maxTags = 50

/** Tags in the order given, each once. @throws Problem 422 */
export const distinctTags = (tags: readonly string[]): string[] => {
  const distinct = [...new Set(tags)]
  if (distinct.length > maxTags) throw fieldProblem('/tags', 'too_big', `must have at most ${maxTags} tags`)
  return distinct
}

// fromEntries defines own properties, so a key such as __proto__ is only a key.
const merge = <T>(present: Record<string, T>, patch: Record<string, T | null | undefined>): Record<string, T> =>
  Object.fromEntries(
    Object.entries({ ...present, ...patch }).filter(
      (entry): entry is [string, T] => entry[1] !== null && entry[1] !== undefined,
    ),
  )

const metadataOf = (present: CustomerRow['metadata'], patch: NewCustomer['metadata']): CustomerRow['metadata'] => {
  const metadata = merge(present, patch ?? {})
  if (Object.keys(metadata).length > maxMetadataKeys)
    throw fieldProblem('/metadata', 'too_big', `must have at most ${maxMetadataKeys} keys`)
  return metadata
}

/** All fields as POST and PUT give them; what is absent is empty. */
export const fieldsOf = (input: NewCustomer): CustomerFields => ({
  externalId: input.externalId ?? null,
  name: input.name ?? null,
  surname: input.surname ?? null,
  email: input.email ?? null,
  phone: input.phone ?? null,
  photoMediaId: input.photoMediaId ?? null,
  tags: distinctTags(input.tags ?? []),
  address: input.address ? merge({}, input.address) : null,
  locale: input.locale ?? null,
  smsOptOut: input.smsOptOut ?? false,
  metadata: metadataOf({}, input.metadata),
})

/** PUT: all fields, but the photo, which has a route of its own, stays unless it is named. */
export const replacementOf = (row: CustomerRow, input: NewCustomer): CustomerFields => ({
  ...fieldsOf(input),
  photoMediaId: input.photoMediaId === undefined ? row.photoMediaId : input.photoMediaId,
})

/** The fields after a JSON Merge Patch (RFC 7396). */
export const patchedFields = (row: CustomerRow, patch: CustomerPatch): CustomerFields => {
  const simple = <K extends 'externalId' | 'name' | 'surname' | 'email' | 'phone' | 'photoMediaId' | 'locale'>(
    key: K,
  ) => (patch[key] === undefined ? row[key] : patch[key])
  const address = patch.address === undefined ? row.address : patch.address && merge(row.address ?? {}, patch.address)
  const { metadata } = patch
  return {
    externalId: simple('externalId'),
    name: simple('name'),
    surname: simple('surname'),
    email: simple('email'),
    phone: simple('phone'),
    photoMediaId: simple('photoMediaId'),
    tags: patch.tags === undefined ? row.tags : distinctTags(patch.tags ?? []),
    address,
    locale: simple('locale'),
    smsOptOut: patch.smsOptOut === undefined ? row.smsOptOut : (patch.smsOptOut ?? false),
    metadata: metadata === undefined ? row.metadata : metadata === null ? {} : metadataOf(row.metadata, metadata),
  }
}

/** What `row` holds of the fields that clients set. */
export const currentFields = (row: CustomerRow): CustomerFields =>
  Object.fromEntries(settable.map((field) => [field, row[field]])) as CustomerFields

/** The names of the fields that differ, and what they were; undefined where none does. */
export const difference = (row: CustomerRow, fields: CustomerFields) => {
  const changed = settable.filter((field) => !isDeepStrictEqual(row[field], fields[field]))
  if (changed.length === 0) return undefined
  return {
    changed: [...changed] as string[],
    previous: Object.fromEntries(changed.map((field) => [field, row[field]])),
  }
}
