import { isReferenced, violatedConstraint } from '@clientele/platform/data/database-errors'
import { Problem } from '@clientele/platform/runtime/problem'
import type { ProductFinder } from './product.finder.ts'

/** For `.catch` after the rollback: turns a violation of the unique SKU into a 409 that names the other product. Rethrows the rest. */
export const rethrowAsDuplicate =
  (finder: ProductFinder, sku: string | null | undefined) =>
  async (error: unknown): Promise<never> => {
    if (violatedConstraint(error) !== 'products_sku_active' || typeof sku !== 'string') throw error
    const other = await finder.find({ key: sku, idBy: 'sku' })
    throw new Problem('duplicate', {
      detail: 'another product has this SKU',
      errors: [{ pointer: '/sku', code: 'taken', message: 'belongs to another product' }],
      ...(other && { extra: { conflictingId: other.id, conflictingState: 'active' } }),
      cause: error,
    })
  }

/** For `.catch` of a purge: a product that order lines reference cannot be purged, which becomes a 409. Rethrows the rest. */
export const rethrowAsOrdered = (error: unknown): never => {
  if (!isReferenced(error)) throw error
  throw new Problem('invalid_state', {
    detail: 'the product was ordered: it can be moved to the trash, but not be purged',
    cause: error,
  })
}
