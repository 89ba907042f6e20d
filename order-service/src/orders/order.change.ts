import { OrderPatch } from '@clientele/contracts/order'
import { type Changes, changesOf, pick } from '@clientele/platform/data/changes'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import type { OrderRow } from './order.model.ts'

/** The fields that clients may change after an order was placed. */
type OrderFields = Pick<OrderRow, keyof OrderPatch>
const settable = Object.keys(OrderPatch.shape) as (keyof OrderPatch)[]

const maxMetadataKeys = 50

/** Merges metadata; null removes a key. `fromEntries` defines own properties, so a key `__proto__` does no harm. */
export const mergeMetadata = (current: OrderRow['metadata'], patch: OrderRow['metadata']): OrderRow['metadata'] => {
  const entries = Object.entries({ ...current, ...patch }).filter(([, value]) => value !== null)
  if (entries.length > maxMetadataKeys)
    throw fieldProblem('/metadata', 'too_big', `must have at most ${maxMetadataKeys} keys`)
  return Object.fromEntries(entries)
}

/** The current values of the fields that clients may change. */
export const currentFields = (row: OrderFields): OrderFields => pick(row, settable)

/** The fields after a JSON Merge Patch (RFC 7396). */
export const patchedFields = (row: OrderRow, { note, metadata }: OrderPatch): OrderFields => ({
  note: note === undefined ? row.note : note,
  metadata: metadata === undefined ? row.metadata : metadata === null ? {} : mergeMetadata(row.metadata, metadata),
})

/** The fields that differ from those of `row`, with their previous values; undefined if none does. */
export const difference = (row: OrderRow, fields: OrderFields): Changes | undefined => changesOf(row, fields, settable)
