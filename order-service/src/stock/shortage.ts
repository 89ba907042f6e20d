import { Problem } from '@clientele/platform/problem'
import type { StockedProduct } from './stock.statements.ts'
import type { StockChange } from './stock.ts'

/** A product of which more is wanted than there is; all changes of it are counted together. */
export type Shortage = { productId: string; requested: number; available: number }

export const shortages = (
  changes: readonly Pick<StockChange, 'productId' | 'delta'>[],
  products: ReadonlyMap<string, Pick<StockedProduct, 'stock'>>,
): Shortage[] => {
  const sums = new Map<string, number>()
  for (const { productId, delta } of changes) sums.set(productId, (sums.get(productId) ?? 0) + delta)
  return [...sums].flatMap(([productId, sum]) => {
    const available = products.get(productId)?.stock ?? 0
    return available + sum < 0 ? [{ productId, requested: -sum, available }] : []
  })
}

/** The refusal, with every change of a product that is short; undefined where all can be had. */
export const insufficientStock = (
  changes: readonly StockChange[],
  products: ReadonlyMap<string, Pick<StockedProduct, 'stock'>>,
): Problem | undefined => {
  const short = new Map(shortages(changes, products).map((shortage) => [shortage.productId, shortage]))
  if (short.size === 0) return undefined
  const errors = changes.flatMap(({ productId, pointer }) => {
    const found = short.get(productId)
    if (!found) return []
    const { requested, available } = found
    const message = `${requested} requested, ${available} available`
    return [{ ...(pointer !== undefined && { pointer }), code: 'stock_short', message, requested, available }]
  })
  return new Problem('insufficient_stock', {
    detail: `${errors.length} of ${changes.length} ${changes.length === 1 ? 'line' : 'lines'} cannot be delivered`,
    errors,
  })
}
