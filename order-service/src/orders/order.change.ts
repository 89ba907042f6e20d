import { isDeepStrictEqual } from 'node:util'
import type { OrderPatch } from '@clientele/contracts/order'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import type { OrderRow } from './order.model.ts'

/** The part of an order that is not part of the deal. */
type OrderFields = Pick<OrderRow, 'note' | 'metadata'>

const mostKeys = 50

/** Metadata after a merge: null takes a key out. fromEntries defines own properties, so `__proto__` is only a key. */
export const mergedMetadata = (present: OrderRow['metadata'], patch: OrderRow['metadata']): OrderRow['metadata'] => {
  const entries = Object.entries({ ...present, ...patch }).filter(([, value]) => value !== null)
  if (entries.length > mostKeys) throw fieldProblem('/metadata', 'too_big', `must have at most ${mostKeys} keys`)
  return Object.fromEntries(entries)
}

/** The fields after a JSON Merge Patch (RFC 7396). */
export const patchedFields = (row: OrderRow, { note, metadata }: OrderPatch): OrderFields => ({
  note: note === undefined ? row.note : note,
  metadata: metadata === undefined ? row.metadata : metadata === null ? {} : mergedMetadata(row.metadata, metadata),
})

/** The names of the fields that differ, and what they were; undefined where none does. */
export const difference = (row: OrderRow, fields: OrderFields) => {
  const changed = (['note', 'metadata'] as const).filter((field) => !isDeepStrictEqual(row[field], fields[field]))
  if (changed.length === 0) return undefined
  return { changed: [...changed], previous: Object.fromEntries(changed.map((field) => [field, row[field]])) }
}
