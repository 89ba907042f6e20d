import type { CustomerPatch } from '@clientele/contracts/customer'
import type { MatchOptions, RowResult } from '@clientele/features/imports/import-target'
import type { KeySet } from '@clientele/features/imports/key-set'
import {
  failedResult,
  idConflictResult,
  matchResult,
  noMatchResult,
  toFailedResult,
} from '@clientele/features/imports/row-result'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import { applyPatch, type CustomerFields, difference, maxTags } from '../customers/customer.change.ts'
import type { UniqueValue } from '../customers/customer.finder.ts'
import type { CustomerRow } from '../customers/customer.model.ts'
import { newCustomerRow, nextVersion } from '../customers/customer.row.ts'
import type { CustomerInput } from './customer.import-input.ts'

type Change = NonNullable<ReturnType<typeof difference>>
/**
 * A customer that a batch creates or updates, with its last row. Several rows of a batch can change the same customer; each
 * gives a version, and each version an event.
 */
export type PlannedCustomer = { row: CustomerRow; isNew: boolean; versions: { row: CustomerRow; change?: Change }[] }
/** What a batch does: a result for each row, in order, and the customers to write. */
export type Plan = { results: RowResult[]; customers: PlannedCustomer[] }

/** What the database has of the customers of a batch. */
export type ExistingData = {
  /** Customers that have a match key of the rows. */
  matched: readonly CustomerRow[]
  /** The e-mails, external ids, ids and codes of the rows that customers already have; without those that rows are matched by. */
  uniqueValues: readonly UniqueValue[]
  /** Dry run only: the keys that earlier rows of the file would have created, by field. */
  seen?: Map<string, KeySet>
}

/** The fields that are unique among active customers. */
export const uniqueFields = ['email', 'externalId'] as const
const ownKeys = ['id', 'code'] as const

/** The change of a row whose tags are added to those of the customer. @throws Problem 422 if it would have too many */
const withAddedTags = ({ tags: present }: CustomerRow, { tags, ...patch }: CustomerPatch): CustomerPatch => {
  if (!tags) return patch
  const all = new Set([...present, ...tags])
  if (all.size > maxTags)
    throw fieldProblem(
      '/tags',
      'too_big',
      `would give the customer ${all.size} tags, and at most ${maxTags} are allowed`,
    )
  return { ...patch, tags: [...all] }
}

/**
 * Decides what the rows of a batch do, with the same result as if each was written before the next is looked at: a row can
 * match a customer that an earlier row created, or conflict with a value that an earlier row took. Reads and writes nothing.
 */
export const planBatch = (
  inputs: readonly CustomerInput[],
  options: MatchOptions,
  actor: Actor,
  { matched, uniqueValues, seen }: ExistingData,
): Plan => {
  const { matchBy } = options
  const planned = new Map<string, PlannedCustomer>()
  const byKey = new Map<string, string[]>()
  const rows = new Map<string, CustomerRow>()
  const ownerIds = new Map(uniqueValues.map(({ id, field, value }) => [`${field} ${value}`, id]))
  const keyColumn = matchBy as 'id' | 'code' | 'email' | 'phone' | 'externalId'
  const addToIndex = (row: CustomerRow): void => {
    rows.set(row.id, row)
    const key = row[keyColumn]
    if (key !== null && key !== '') byKey.set(key, [...(byKey.get(key) ?? []), row.id])
  }
  for (const row of matched) addToIndex(row)

  /** The failed result if another customer has a unique value of `fields`. `id` is undefined for a new customer. */
  const findConflict = (id: string | undefined, fields: CustomerFields): RowResult | undefined => {
    for (const field of uniqueFields) {
      const value = fields[field]
      if (value === null) continue
      const owner = ownerIds.get(`${field} ${value}`)
      const isTaken = owner === undefined ? id === undefined && seen?.get(field)?.has(value) : owner !== id
      if (isTaken) return failedResult({ field, code: 'taken', message: 'belongs to another customer' })
    }
    return undefined
  }

  /** Records that the customer has the unique values of `fields`, and no longer those of `before`. */
  const claimUnique = (id: string, before: CustomerFields | undefined, fields: CustomerFields): void => {
    for (const field of uniqueFields) {
      const former = before?.[field]
      if (former && former !== fields[field] && ownerIds.get(`${field} ${former}`) === id)
        ownerIds.delete(`${field} ${former}`)
      const value = fields[field]
      if (value === null) continue
      ownerIds.set(`${field} ${value}`, id)
      seen?.get(field)?.add(value)
    }
  }

  /** The failed result if the id or code of a row names another customer than the one that it matches. */
  const findIdConflict = ({ own }: CustomerInput, matched: CustomerRow | undefined): RowResult | undefined => {
    for (const field of ownKeys) {
      const owner = field === matchBy ? undefined : ownerIds.get(`${field} ${own[field]}`)
      if (owner !== undefined && owner !== matched?.id)
        return idConflictResult(field, matchBy, 'customer', matched !== undefined)
    }
    return undefined
  }

  const planNew = (input: CustomerInput): RowResult => {
    const { key, fields, problems } = input
    if (key !== undefined && (matchBy === 'id' || matchBy === 'code')) return noMatchResult(matchBy, 'customer')
    if (!fields) return { outcome: 'failed', problems }
    const conflict = findConflict(undefined, fields)
    if (conflict) return conflict
    const row = newCustomerRow(fields, actor)
    planned.set(row.id, { row, isNew: true, versions: [{ row }] })
    addToIndex(row)
    claimUnique(row.id, undefined, fields)
    if (matchBy === 'phone' && row.phone !== null) seen?.get('phone')?.add(row.phone)
    return { outcome: 'created' }
  }

  const planChange = (row: CustomerRow, { patch }: CustomerInput): RowResult => {
    const fields = applyPatch(row, options.tags === 'add' ? withAddedTags(row, patch) : patch)
    const change = difference(row, fields)
    if (!change) return { outcome: 'skipped' }
    const conflict = findConflict(row.id, fields)
    if (conflict) return conflict
    const next = { ...nextVersion(row, actor), ...fields }
    const before = planned.get(row.id)
    planned.set(row.id, {
      row: next,
      isNew: before?.isNew ?? false,
      versions: [...(before?.versions ?? []), { row: next, change }],
    })
    rows.set(row.id, next)
    claimUnique(row.id, row, fields)
    return { outcome: 'updated' }
  }

  const planRow = (input: CustomerInput): RowResult => {
    const { key } = input
    const ids = (key === undefined ? undefined : byKey.get(key)) ?? []
    if (ids.length > 1)
      return failedResult({ field: matchBy, code: 'ambiguous', message: 'belongs to more than one customer' })
    const row = rows.get(ids[0] ?? '')
    const conflict = findIdConflict(input, row)
    if (conflict) return conflict
    if (row) return matchResult(options, 'customer') ?? planChange(row, input)
    // Dry run: the row matches a customer that an earlier row would create. Whether it changes that one is known at the commit.
    if (key !== undefined && seen?.get(matchBy)?.has(key))
      return matchResult(options, 'customer') ?? { outcome: 'updated' }
    return planNew(input)
  }

  const results = inputs.map((input) => {
    try {
      return planRow(input)
    } catch (error) {
      return toFailedResult(error)
    }
  })
  return { results, customers: [...planned.values()] }
}
