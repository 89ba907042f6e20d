import type { RowProblem, RowResult, Taking } from '@clientele/features/imports/import-target'
import type { KeySet } from '@clientele/features/imports/key-set'
import { Problem } from '@clientele/platform/runtime/problem'
import type { ProductEdit } from './product.bulk.ts'
import { currentFields, difference, fieldsOf, patchedFields } from './product.change.ts'
import type { ProductInput } from './product.import-input.ts'
import type { ProductRow } from './product.model.ts'

/** What becomes of a row, and the edit that does it where there is one. */
export type Decision = { result: RowResult; edit?: ProductEdit }

const failed = (problem: RowProblem): Decision => ({ result: { outcome: 'failed', problems: [problem] } })
const taken = failed({ field: 'sku', code: 'taken', message: 'belongs to another product' })

/**
 * Decides what becomes of rows, none of which names the same product as another. `known` are products that they name, and those
 * that have their sku; `seen`, in a dry run, what earlier rows of the file would have made.
 */
export const createPlan = (shopCurrency: string) => {
  const change = (before: ProductRow, { patch }: ProductInput, others: Map<string, ProductRow>): Decision => {
    const current = currentFields(before)
    const fields = { ...current, ...patchedFields(before, patch) }
    const holder = fields.sku === null ? undefined : others.get(fields.sku)
    if (holder && holder.id !== before.id) return taken
    const { stock } = patch
    if (!difference(current, fields) && (stock ?? before.stock) === before.stock)
      return { result: { outcome: 'skipped' } }
    return { result: { outcome: 'updated' }, edit: { before, fields, stock } }
  }

  return (
    inputs: readonly ProductInput[],
    { matchBy, onMatch }: Taking,
    known: readonly ProductRow[],
    seen?: Map<string, KeySet>,
  ): Decision[] => {
    const bySku = new Map(known.flatMap((row) => (row.sku === null ? [] : [[row.sku, row] as const])))
    const byId = new Map(known.map((row) => [row.id, row]))
    const matched = (then: () => Decision): Decision => {
      if (onMatch === 'skip') return { result: { outcome: 'skipped' } }
      if (onMatch === 'update') return then()
      return failed({ field: matchBy, code: 'exists', message: 'belongs to a product that is there already' })
    }
    const decide = (input: ProductInput): Decision => {
      const { key, whole, problems } = input
      const before = key === undefined ? undefined : (matchBy === 'sku' ? bySku : byId).get(key)
      if (before) return matched(() => change(before, input, bySku))
      // What an earlier row would have made: whether this one changes it, only the commit can tell.
      if (key !== undefined && seen?.get(matchBy)?.has(key)) return matched(() => ({ result: { outcome: 'updated' } }))
      if (key !== undefined && matchBy === 'id')
        return failed({ field: 'id', code: 'no_match', message: 'there is no product with this id' })
      if (!whole) return { result: { outcome: 'failed', problems } }
      const fields = fieldsOf(whole, shopCurrency)
      if (fields.sku !== null && (bySku.has(fields.sku) || seen?.get('sku')?.has(fields.sku))) return taken
      if (fields.sku !== null) seen?.get('sku')?.add(fields.sku)
      return { result: { outcome: 'created' }, edit: { before: undefined, fields, stock: whole.stock } }
    }
    return inputs.map((input) => {
      try {
        return decide(input)
      } catch (error) {
        // A price that the product's own currency does not have shows only now.
        if (!(error instanceof Problem)) throw error
        const [first] = error.options.errors ?? []
        return failed({
          field: first?.pointer?.slice(1) ?? '',
          code: first?.code ?? error.code,
          message: first?.message ?? error.message,
        })
      }
    })
  }
}
