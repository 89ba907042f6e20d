import type { NewOrder } from '@clientele/contracts/order'
import type { ProblemError } from '@clientele/contracts/problem'
import { type Actor, isAdmin } from '@clientele/platform/auth/token-verifier'
import { Problem } from '@clientele/platform/runtime/problem'
import { toMinor } from '../money.ts'
import { formatPrice } from '../products/product.price.ts'
import type { StockedProduct } from '../stock/stock.statements.ts'
import { type Cart, productIdOf } from './order.cart.ts'

type Products = ReadonlyMap<string, StockedProduct>

const differences = (
  pointer: string,
  expected: string | undefined,
  current: string,
  currency: string,
): ProblemError[] => {
  if (expected === undefined || toMinor(expected, currency) === toMinor(current, currency)) return []
  const message = `is ${current} now, not ${expected}`
  return [{ pointer, code: 'price_changed', message, expected, current }]
}

/** The 409 that names each price and total that the buyer has not seen; undefined if the order is as expected. */
export const priceChangedProblem = (
  { lines, expectedTotal }: NewOrder,
  { total, currency }: Cart,
  products: Products,
): Problem | undefined => {
  const errors = lines.flatMap((line, index): ProblemError[] => {
    const product = products.get(productIdOf(line) ?? '')
    if (!product || !('expectedPrice' in line)) return []
    const current = formatPrice(product.price, product.currency)
    return differences(`/lines/${index}/expectedPrice`, line.expectedPrice, current, currency)
  })
  errors.push(...differences('/expectedTotal', expectedTotal, total, currency))
  if (errors.length === 0) return undefined
  return new Problem('price_changed', { detail: 'the prices have changed, and no order was placed', errors })
}

/** @throws Problem 403 if somebody other than an admin sets the price of a product */
export const checkAgreedPrices = ({ lines }: NewOrder, actor: Actor): void => {
  if (isAdmin(actor)) return
  const errors = lines.flatMap((line, index): ProblemError[] => {
    if (!('productId' in line) || line.unitPrice === undefined) return []
    const message = 'only an admin can agree on a price: leave it out, and the product has its own'
    return [{ pointer: `/lines/${index}/unitPrice`, code: 'needs_admin', message }]
  })
  if (errors.length > 0)
    throw new Problem('forbidden', { detail: 'an agreed price of a product requires the role admin', errors })
}
