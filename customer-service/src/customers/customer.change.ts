import { type CustomerIdBy, type CustomerPatch, NewCustomer } from '@clientele/contracts/customer'
import { type Changes, changesOf, pick } from '@clientele/platform/data/changes'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import type { CustomerRow } from './customer.model.ts'

/** The fields of a customer that clients set. */
export type CustomerFields = Pick<CustomerRow, keyof NewCustomer>
const inputFields = Object.keys(NewCustomer.shape) as (keyof NewCustomer)[]

const maxMetadataKeys = 50
/** The maximum number of tags of a customer. */
export const maxTags = 50

/** Removes repeated tags and keeps the order. @throws Problem 422 if there are too many */
export const uniqueTags = (tags: readonly string[]): string[] => {
  const distinct = [...new Set(tags)]
  if (distinct.length > maxTags) throw fieldProblem('/tags', 'too_big', `must have at most ${maxTags} tags`)
  return distinct
}

// Object.fromEntries defines own properties, so a key such as `__proto__` does not change the prototype.
const merge = <T>(present: Record<string, T>, patch: Record<string, T | null | undefined>): Record<string, T> =>
  Object.fromEntries(
    Object.entries({ ...present, ...patch }).filter(
      (entry): entry is [string, T] => entry[1] !== null && entry[1] !== undefined,
    ),
  )

const mergeMetadata = (present: CustomerRow['metadata'], patch: NewCustomer['metadata']): CustomerRow['metadata'] => {
  const metadata = merge(present, patch ?? {})
  if (Object.keys(metadata).length > maxMetadataKeys)
    throw fieldProblem('/metadata', 'too_big', `must have at most ${maxMetadataKeys} keys`)
  return metadata
}

/** The fields of `row` that clients set. */
export const currentFields = (row: CustomerFields): CustomerFields => pick(row, inputFields)

/** Applies a JSON Merge Patch (RFC 7396). @throws Problem 422 */
export const applyPatch = (row: CustomerFields, patch: CustomerPatch): CustomerFields => {
  const given = Object.entries(patch).filter(([, value]) => value !== undefined)
  const { tags, address, smsOptOut, metadata } = patch
  return {
    ...currentFields(row),
    ...(Object.fromEntries(given) as Partial<CustomerFields>),
    tags: tags === undefined ? row.tags : uniqueTags(tags ?? []),
    address: address === undefined ? row.address : address && merge(row.address ?? {}, address),
    smsOptOut: smsOptOut === undefined ? row.smsOptOut : (smsOptOut ?? false),
    metadata: metadata === undefined ? row.metadata : metadata === null ? {} : mergeMetadata(row.metadata, metadata),
  }
}

const emptyFields: CustomerFields = {
  ...(Object.fromEntries(inputFields.map((field) => [field, null])) as Omit<
    CustomerFields,
    'tags' | 'smsOptOut' | 'metadata'
  >),
  tags: [],
  smsOptOut: false,
  metadata: {},
}

/** All fields of a POST or PUT body. Absent fields are empty. @throws Problem 422 */
export const newFields = (input: NewCustomer): CustomerFields => applyPatch(emptyFields, input)

/**
 * All fields after a PUT. The photo has a route of its own, so it stays unless the body names `photoMediaId`, and so does the e-mail
 * address by which the path names the customer.
 */
export const replacementFields = (row: CustomerRow, input: NewCustomer, idBy?: CustomerIdBy): CustomerFields => ({
  ...newFields(input),
  ...(idBy === 'email' && input.email === undefined && { email: row.email }),
  photoMediaId: input.photoMediaId === undefined ? row.photoMediaId : input.photoMediaId,
})

/** The fields that differ from those of `row`, with their previous values; undefined if none differs. */
export const difference = (row: CustomerFields, fields: CustomerFields): Changes | undefined =>
  changesOf(row, fields, inputFields)
