import type { RowResult, Taking } from '@clientele/features/imports/import-target'
import type { KeySet } from '@clientele/features/imports/key-set'
import { failed, noMatch, refused, resultOfMatch } from '@clientele/features/imports/row-result'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { type CustomerFields, difference, patchedFields } from '../customers/customer.change.ts'
import type { Holder } from '../customers/customer.finder.ts'
import type { CustomerRow } from '../customers/customer.model.ts'
import { newCustomerRow, nextVersion } from '../customers/customer.stamp.ts'
import type { CustomerInput } from './customer.import-input.ts'

type Change = NonNullable<ReturnType<typeof difference>>
/** A customer on its way through a batch: each step is a version of it, told by an event. */
export type Worked = { row: CustomerRow; made: boolean; steps: { row: CustomerRow; change?: Change }[] }
/** What a batch comes to. */
export type Plan = { results: RowResult[]; worked: Worked[] }

export type Known = {
  /** Customers that are named by the match keys. */
  matched: readonly CustomerRow[]
  /** Who has e-mails and external ids that rows want to have. */
  holders: readonly Holder[]
  /** Dry run: what earlier rows of the file would have made. */
  seen?: Map<string, KeySet>
}

/** Fields of which no two active customers have the same value. */
export const uniqueFields = ['email', 'externalId'] as const

/** Decides row by row, as if they came one after the other; nothing is read or written. */
export const planBatch = (
  inputs: readonly CustomerInput[],
  taking: Taking,
  actor: Actor,
  { matched, holders, seen }: Known,
): Plan => {
  const { matchBy } = taking
  const worked = new Map<string, Worked>()
  const byKey = new Map<string, string[]>()
  const rows = new Map<string, CustomerRow>()
  const holderOf = new Map(holders.map(({ id, field, value }) => [`${field} ${value}`, id]))
  const keyColumn = matchBy as 'id' | 'code' | 'email' | 'phone' | 'externalId'
  const remember = (row: CustomerRow): void => {
    rows.set(row.id, row)
    const key = row[keyColumn]
    if (key !== null && key !== '') byKey.set(key, [...(byKey.get(key) ?? []), row.id])
  }
  for (const row of matched) remember(row)

  /** The field whose value somebody else has. */
  const takenBy = (id: string | undefined, fields: CustomerFields): RowResult | undefined => {
    for (const field of uniqueFields) {
      const value = fields[field]
      if (value === null) continue
      const holder = holderOf.get(`${field} ${value}`)
      const isOthers = holder === undefined ? id === undefined && seen?.get(field)?.has(value) : holder !== id
      if (isOthers) return failed({ field, code: 'taken', message: 'belongs to another customer' })
    }
    return undefined
  }
  const hold = (id: string, before: CustomerFields | undefined, fields: CustomerFields): void => {
    for (const field of uniqueFields) {
      const former = before?.[field]
      if (former && former !== fields[field] && holderOf.get(`${field} ${former}`) === id)
        holderOf.delete(`${field} ${former}`)
      const value = fields[field]
      if (value === null) continue
      holderOf.set(`${field} ${value}`, id)
      seen?.get(field)?.add(value)
    }
  }

  const make = (input: CustomerInput): RowResult => {
    const { key, fields, problems } = input
    if (key !== undefined && (matchBy === 'id' || matchBy === 'code')) return noMatch(matchBy, 'customer')
    if (!fields) return { outcome: 'failed', problems }
    const taken = takenBy(undefined, fields)
    if (taken) return taken
    const row = newCustomerRow(fields, actor)
    worked.set(row.id, { row, made: true, steps: [{ row }] })
    remember(row)
    hold(row.id, undefined, fields)
    if (matchBy === 'phone' && row.phone !== null) seen?.get('phone')?.add(row.phone)
    return { outcome: 'created' }
  }

  const change = (row: CustomerRow, { patch }: CustomerInput): RowResult => {
    const fields = patchedFields(row, patch)
    const change = difference(row, fields)
    if (!change) return { outcome: 'skipped' }
    const taken = takenBy(row.id, fields)
    if (taken) return taken
    const next = { ...nextVersion(row, actor), ...fields }
    const before = worked.get(row.id)
    worked.set(row.id, {
      row: next,
      made: before?.made ?? false,
      steps: [...(before?.steps ?? []), { row: next, change }],
    })
    rows.set(row.id, next)
    hold(row.id, row, fields)
    return { outcome: 'updated' }
  }

  const decide = (input: CustomerInput): RowResult => {
    const { key } = input
    const ids = (key === undefined ? undefined : byKey.get(key)) ?? []
    if (ids.length > 1)
      return failed({ field: matchBy, code: 'ambiguous', message: 'belongs to more than one customer' })
    const row = rows.get(ids[0] ?? '')
    if (row) return resultOfMatch(taking, 'customer') ?? change(row, input)
    // What an earlier row would have made: whether this one changes it, only the commit can tell.
    if (key !== undefined && seen?.get(matchBy)?.has(key))
      return resultOfMatch(taking, 'customer') ?? { outcome: 'updated' }
    return make(input)
  }

  const results = inputs.map((input) => {
    try {
      return decide(input)
    } catch (error) {
      return refused(error)
    }
  })
  return { results, worked: [...worked.values()] }
}
