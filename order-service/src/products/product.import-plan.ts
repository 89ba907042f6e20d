import type { RowResult, Taking } from '@clientele/features/imports/import-target'
import type { KeySet } from '@clientele/features/imports/key-set'
import { failed, noMatch, refused, resultOfMatch } from '@clientele/features/imports/row-result'
import type { ProductEdit } from './product.bulk.ts'
import { currentFields, difference, fieldsOf, patchedFields } from './product.change.ts'
import type { ProductInput } from './product.import-input.ts'
import type { ProductRow } from './product.model.ts'

/** What becomes of a row, and the edit that does it, if there is one. */
export type Decision = { result: RowResult; edit?: ProductEdit }

/** Products that the rows name, or that have the sku of one. */
type Known = { bySku: ReadonlyMap<string, ProductRow>; byId: ReadonlyMap<string, ProductRow> }
/** Dry run: the keys that earlier rows of the file would have made, by field. */
type Seen = ReadonlyMap<string, KeySet> | undefined

const taken: Decision = { result: failed({ field: 'sku', code: 'taken', message: 'belongs to another product' }) }

const index = (known: readonly ProductRow[]): Known => ({
  bySku: new Map(known.flatMap((row) => (row.sku === null ? [] : [[row.sku, row] as const]))),
  byId: new Map(known.map((row) => [row.id, row])),
})

const change = (before: ProductRow, { patch }: ProductInput, { bySku }: Known): Decision => {
  const current = currentFields(before)
  const fields = { ...current, ...patchedFields(before, patch) }
  const holder = fields.sku === null ? undefined : bySku.get(fields.sku)
  if (holder && holder.id !== before.id) return taken
  const { stock } = patch
  if (!difference(current, fields) && (stock ?? before.stock) === before.stock)
    return { result: { outcome: 'skipped' } }
  return { result: { outcome: 'updated' }, edit: { before, fields, stock } }
}

const create = ({ whole, problems }: ProductInput, { bySku }: Known, seen: Seen, shopCurrency: string): Decision => {
  if (!whole) return { result: { outcome: 'failed', problems } }
  const fields = fieldsOf(whole, shopCurrency)
  const { sku } = fields
  if (sku !== null && (bySku.has(sku) || seen?.get('sku')?.has(sku))) return taken
  if (sku !== null) seen?.get('sku')?.add(sku)
  return { result: { outcome: 'created' }, edit: { before: undefined, fields, stock: whole.stock } }
}

/**
 * Decides what becomes of rows, none of which names the same product as another. `rows` are products that they name, and those
 * that have their sku; `seen`, in a dry run, what earlier rows of the file would have made.
 */
export const createPlan =
  (shopCurrency: string) =>
  (inputs: readonly ProductInput[], taking: Taking, rows: readonly ProductRow[], seen?: Seen): Decision[] => {
    const known = index(rows)
    const { matchBy } = taking
    const matched = matchBy === 'sku' ? known.bySku : known.byId

    const decide = (input: ProductInput): Decision => {
      const { key } = input
      if (key === undefined) return create(input, known, seen, shopCurrency)
      const before = matched.get(key)
      // Whether a row changes what an earlier one would have made, only the commit can tell.
      const isSeen = seen?.get(matchBy)?.has(key) === true
      if (before || isSeen) {
        const settled = resultOfMatch(taking, 'product')
        if (settled) return { result: settled }
        return before ? change(before, input, known) : { result: { outcome: 'updated' } }
      }
      return matchBy === 'id' ? { result: noMatch('id', 'product') } : create(input, known, seen, shopCurrency)
    }

    return inputs.map((input) => {
      try {
        return decide(input)
      } catch (error) {
        // A price that the product's own currency does not have shows only now.
        return { result: refused(error) }
      }
    })
  }
