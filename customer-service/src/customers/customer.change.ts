import { type CustomerPatch, NewCustomer } from '@clientele/contracts/customer'
import { type Changes, changesOf, pick } from '@clientele/platform/data/changes'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import type { CustomerRow } from './customer.model.ts'

/** The part of a customer that clients set. */
export type CustomerFields = Pick<CustomerRow, keyof NewCustomer>
const settable = Object.keys(NewCustomer.shape) as (keyof NewCustomer)[]

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

const mergeMetadata = (present: CustomerRow['metadata'], patch: NewCustomer['metadata']): CustomerRow['metadata'] => {
  const metadata = merge(present, patch ?? {})
  if (Object.keys(metadata).length > maxMetadataKeys)
    throw fieldProblem('/metadata', 'too_big', `must have at most ${maxMetadataKeys} keys`)
  return metadata
}

/** What `row` holds of the fields that clients set. */
export const currentFields = (row: CustomerFields): CustomerFields => pick(row, settable)

/** The fields after a JSON Merge Patch (RFC 7396). @throws Problem 422 */
export const patchedFields = (row: CustomerFields, patch: CustomerPatch): CustomerFields => {
  const given = Object.entries(patch).filter(([, value]) => value !== undefined)
  const { tags, address, smsOptOut, metadata } = patch
  return {
    ...currentFields(row),
    ...(Object.fromEntries(given) as Partial<CustomerFields>),
    tags: tags === undefined ? row.tags : distinctTags(tags ?? []),
    address: address === undefined ? row.address : address && merge(row.address ?? {}, address),
    smsOptOut: smsOptOut === undefined ? row.smsOptOut : (smsOptOut ?? false),
    metadata: metadata === undefined ? row.metadata : metadata === null ? {} : mergeMetadata(row.metadata, metadata),
  }
}

const emptyFields: CustomerFields = {
  ...(Object.fromEntries(settable.map((field) => [field, null])) as Omit<
    CustomerFields,
    'tags' | 'smsOptOut' | 'metadata'
  >),
  tags: [],
  smsOptOut: false,
  metadata: {},
}

/** All fields as POST and PUT give them; what is absent is empty. @throws Problem 422 */
export const fieldsOf = (input: NewCustomer): CustomerFields => patchedFields(emptyFields, input)

/** PUT: all fields, but the photo, which has a route of its own, stays unless it is named. */
export const replacementOf = (row: CustomerRow, input: NewCustomer): CustomerFields => ({
  ...fieldsOf(input),
  photoMediaId: input.photoMediaId === undefined ? row.photoMediaId : input.photoMediaId,
})

/** The fields that differ from those of `row`, with what they were; undefined if none does. */
export const difference = (row: CustomerFields, fields: CustomerFields): Changes | undefined =>
  changesOf(row, fields, settable)
