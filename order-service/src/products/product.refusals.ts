import { isReferenced, violatedConstraint } from '@clientele/platform/data/database-errors'
import { Problem } from '@clientele/platform/runtime/problem'
import type { ProductFinder } from './product.finder.ts'

/** For `.catch`, after the roll-back: a taken sku becomes a 409 with the product that has it; the rest is thrown again. */
export const orDuplicate =
  (finder: ProductFinder, sku: string | null | undefined) =>
  async (error: unknown): Promise<never> => {
    if (violatedConstraint(error) !== 'products_sku_active' || typeof sku !== 'string') throw error
    const other = await finder.find({ key: sku, idBy: 'sku' })
    throw new Problem('duplicate', {
      detail: 'another product has this sku',
      errors: [{ pointer: '/sku', code: 'taken', message: 'belongs to another product' }],
      ...(other && { extra: { conflictingId: other.id, conflictingState: 'active' } }),
      cause: error,
    })
  }

/** For `.catch` of a removal: lines of orders refer to their product, and keep it. */
export const orOrdered = (error: unknown): never => {
  if (!isReferenced(error)) throw error
  throw new Problem('invalid_state', {
    detail: 'the product was ordered: it can be in the trash, but not be removed for good',
    cause: error,
  })
}
