import type { MatchOptions, RowResult } from '@clientele/features/imports/import-target'
import type { KeySet } from '@clientele/features/imports/key-set'
import {
  failedResult,
  idConflictResult,
  matchResult,
  noMatchResult,
  toFailedResult,
} from '@clientele/features/imports/row-result'
import type { ProductEdit } from './product.bulk.ts'
import { checkStock, currentFields, difference, newFields, patchedFields } from './product.change.ts'
import type { ProductInput } from './product.import-input.ts'
import type { ProductRow } from './product.model.ts'

/** The result of a row, and the edit that it needs, if any. */
export type Decision = { result: RowResult; edit?: ProductEdit }

/** The products that rows match, and those that have a SKU of the rows. */
type ExistingProducts = { bySku: ReadonlyMap<string, ProductRow>; byId: ReadonlyMap<string, ProductRow> }
/** In a dry run: the keys that earlier rows of the file would create, by field. */
type SeenKeys = ReadonlyMap<string, KeySet> | undefined

const skuTaken: Decision = {
  result: failedResult({ field: 'sku', code: 'taken', message: 'belongs to another product' }),
}

const indexProducts = (rows: readonly ProductRow[]): ExistingProducts => ({
  bySku: new Map(rows.flatMap((row) => (row.sku === null ? [] : [[row.sku, row] as const]))),
  byId: new Map(rows.map((row) => [row.id, row])),
})

const decideUpdate = (before: ProductRow, { patch }: ProductInput, { bySku }: ExistingProducts): Decision => {
  const current = currentFields(before)
  const fields = { ...current, ...patchedFields(before, patch) }
  const holder = fields.sku === null ? undefined : bySku.get(fields.sku)
  if (holder && holder.id !== before.id) return skuTaken
  const { stock } = patch
  checkStock(stock, before.stock)
  if (!difference(current, fields) && (stock ?? before.stock) === before.stock)
    return { result: { outcome: 'skipped' } }
  return { result: { outcome: 'updated' }, edit: { before, fields, stock } }
}

const decideCreate = (
  { newProduct, problems }: ProductInput,
  { bySku }: ExistingProducts,
  seen: SeenKeys,
  shopCurrency: string,
): Decision => {
  if (!newProduct) return { result: { outcome: 'failed', problems } }
  const fields = newFields(newProduct, shopCurrency)
  checkStock(newProduct.stock, 0)
  const { sku } = fields
  if (sku !== null && (bySku.has(sku) || seen?.get('sku')?.has(sku))) return skuTaken
  if (sku !== null) seen?.get('sku')?.add(sku)
  return { result: { outcome: 'created' }, edit: { before: undefined, fields, stock: newProduct.stock } }
}

/**
 * Decides what each row of an import does. No two `inputs` may concern the same product. `rows` are the products that they match
 * and those that have one of their SKUs.
 */
export const createPlan =
  (shopCurrency: string) =>
  (
    inputs: readonly ProductInput[],
    options: MatchOptions,
    rows: readonly ProductRow[],
    seen?: SeenKeys,
  ): Decision[] => {
    const existing = indexProducts(rows)
    const { matchBy } = options
    const matched = matchBy === 'sku' ? existing.bySku : existing.byId

    const findIdConflict = ({ ownId }: ProductInput, before: ProductRow | undefined): Decision | undefined => {
      const named = matchBy === 'id' ? undefined : existing.byId.get(ownId ?? '')
      if (named === undefined || named.id === before?.id) return undefined
      return { result: idConflictResult('id', matchBy, 'product', before !== undefined) }
    }

    const decideNew = (input: ProductInput): Decision =>
      input.key !== undefined && matchBy === 'id'
        ? { result: noMatchResult('id', 'product') }
        : decideCreate(input, existing, seen, shopCurrency)

    const decide = (input: ProductInput): Decision => {
      const { key = '' } = input
      const before = matched.get(key)
      const conflict = findIdConflict(input, before)
      if (conflict) return conflict
      // The product may be one that an earlier row creates. A dry run cannot compare with it, so it counts as a change.
      const isSeen = seen?.get(matchBy)?.has(key) === true
      if (!before && !isSeen) return decideNew(input)
      const fixedResult = matchResult(options, 'product')
      if (fixedResult) return { result: fixedResult }
      return before ? decideUpdate(before, input, existing) : { result: { outcome: 'updated' } }
    }

    return inputs.map((input) => {
      try {
        return decide(input)
      } catch (error) {
        // The price has more decimals than the currency of the existing product, which the first check did not know.
        return { result: toFailedResult(error) }
      }
    })
  }
