import { OrderPatch } from '@clientele/contracts/order'
import { type Changes, changesOf, pick } from '@clientele/platform/data/changes'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import type { OrderRow } from './order.model.ts'

/** The part of an order that is not part of the deal: clients may change it. */
type OrderFields = Pick<OrderRow, keyof OrderPatch>
const settable = Object.keys(OrderPatch.shape) as (keyof OrderPatch)[]

const maxMetadataKeys = 50

/** Metadata after a merge: null removes a key. fromEntries defines own properties, so `__proto__` is only a key. */
export const mergedMetadata = (present: OrderRow['metadata'], patch: OrderRow['metadata']): OrderRow['metadata'] => {
  const entries = Object.entries({ ...present, ...patch }).filter(([, value]) => value !== null)
  if (entries.length > maxMetadataKeys)
    throw fieldProblem('/metadata', 'too_big', `must have at most ${maxMetadataKeys} keys`)
  return Object.fromEntries(entries)
}

/** What `row` holds of the fields that clients may change. */
export const currentFields = (row: OrderFields): OrderFields => pick(row, settable)

/** The fields after a JSON Merge Patch (RFC 7396). */
export const patchedFields = (row: OrderRow, { note, metadata }: OrderPatch): OrderFields => ({
  note: note === undefined ? row.note : note,
  metadata: metadata === undefined ? row.metadata : metadata === null ? {} : mergedMetadata(row.metadata, metadata),
})

/** The fields that differ from those of `row`, with what they were; undefined if none does. */
export const difference = (row: OrderRow, fields: OrderFields): Changes | undefined => changesOf(row, fields, settable)
