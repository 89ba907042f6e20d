import type { NewOrder } from '@clientele/contracts/order'
import type { FieldErrorCode, ProblemError } from '@clientele/contracts/problem'
import { newId } from '@clientele/platform/data/db'
import { currencyMessage, fromMinor, isCurrency, toMinor } from '../money.ts'
import { decimalsMessage } from '../products/product.price.ts'
import type { StockedProduct } from '../stock/stock.statements.ts'
import type { OrderLineRow } from './order-line.model.ts'

/** The lines of an order that is about to be placed, at current prices, and what they take from stock. */
export type Cart = { currency: string; total: string; lines: OrderLineRow[]; demands: LineDemand[] }
/** What one line takes from stock. `delta` is negative; `pointer` locates the quantity in the request. */
type LineDemand = { productId: string; delta: number; pointer: string }

type Products = ReadonlyMap<string, StockedProduct>
type Line = NewOrder['lines'][number]

/** The id of the product of a line; undefined for free text. */
export const productIdOf = (line: Line): string | undefined =>
  'productId' in line ? line.productId.toLowerCase() : undefined

/** The ids of an order's products, without duplicates. */
export const productIdsOf = ({ lines }: NewOrder): Set<string> =>
  new Set(lines.map(productIdOf).filter((id) => id !== undefined))

/** Why a product cannot be ordered. `currency` is that of the first product. */
const unavailableError = (
  product: StockedProduct | undefined,
  currency: string | undefined,
): { code: FieldErrorCode; message: string } => {
  if (!product) return { code: 'not_found', message: 'product not found' }
  if (product.deletedAt !== null) return { code: 'not_available', message: 'the product is in the trash' }
  if (!product.active) return { code: 'not_available', message: 'the product is not active' }
  return {
    code: 'other_currency',
    message: `the product is priced in ${product.currency}, others in ${currency}: place separate orders`,
  }
}

const isOrderable = (product: StockedProduct | undefined, currency: string | undefined): boolean =>
  product !== undefined && product.deletedAt === null && product.active && product.currency === currency

/** The price of a line in minor units: what the request says, or that of the product. @returns undefined for too many decimals */
const unitPriceOf = (line: Line, product: StockedProduct | undefined, currency: string): bigint | undefined =>
  toMinor(line.unitPrice ?? product?.price ?? '0', currency)

/** Prices the lines of an order. @returns undefined if a line is invalid; what is wrong is added to `errors` */
export const buildCart = (
  input: NewOrder,
  products: Products,
  shopCurrency: string,
  errors: ProblemError[],
): Cart | undefined => {
  const lineProducts = input.lines.map((line) => products.get(productIdOf(line) ?? ''))
  const productCurrency = lineProducts.find((product) => product !== undefined)?.currency
  const currency = input.currency ?? productCurrency ?? shopCurrency
  if (!isCurrency(currency) && currency !== productCurrency) {
    errors.push({ pointer: '/currency', code: 'unknown_currency', message: currencyMessage })
    return undefined
  }
  if (productCurrency !== undefined && currency !== productCurrency)
    errors.push({ pointer: '/currency', code: 'mismatch', message: `the products are priced in ${productCurrency}` })

  let total = 0n
  const lines: OrderLineRow[] = []
  const demands: LineDemand[] = []
  const addLine = (line: Pick<OrderLineRow, 'productId' | 'description' | 'quantity'>, unitPrice: bigint) => {
    const lineTotal = unitPrice * BigInt(line.quantity)
    total += lineTotal
    lines.push({
      id: newId(),
      ...line,
      unitPrice: fromMinor(unitPrice, currency),
      lineTotal: fromMinor(lineTotal, currency),
    })
  }
  for (const [index, line] of input.lines.entries()) {
    const pointer = `/lines/${index}`
    const product = lineProducts[index]
    const { quantity } = line
    const unitPrice = unitPriceOf(line, product, currency)
    if ('productId' in line && !isOrderable(product, productCurrency)) {
      errors.push({ pointer: `${pointer}/productId`, ...unavailableError(product, productCurrency) })
    } else if (product && currency !== productCurrency) {
      // The currency has an error already.
    } else if (unitPrice === undefined) {
      errors.push({ pointer: `${pointer}/unitPrice`, code: 'too_many_decimals', message: decimalsMessage(currency) })
    } else if (product) {
      addLine({ productId: product.id, description: product.name, quantity }, unitPrice)
      demands.push({ productId: product.id, delta: -quantity, pointer: `${pointer}/quantity` })
    } else if ('description' in line) addLine({ productId: null, description: line.description, quantity }, unitPrice)
  }
  return errors.length > 0 ? undefined : { currency, total: fromMinor(total, currency), lines, demands }
}

/** Adds up the changes of each product: one change per product. */
export const sumByProduct = (lines: readonly Pick<LineDemand, 'productId' | 'delta'>[]) => {
  const sums = new Map<string, number>()
  for (const { productId, delta } of lines) sums.set(productId, (sums.get(productId) ?? 0) + delta)
  return [...sums].map(([productId, delta]) => ({ productId, delta }))
}
