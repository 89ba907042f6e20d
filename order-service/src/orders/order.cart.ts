import type { NewOrder } from '@clientele/contracts/order'
import type { ProblemError } from '@clientele/contracts/problem'
import { newId } from '@clientele/platform/data/db'
import { currencyDecimals, fromMinor, toMinor } from '../money.ts'
import { priceFault } from '../products/product.price.ts'
import type { StockedProduct } from '../stock/stock.statements.ts'
import type { OrderLineRow } from './order-line.model.ts'

/** An order before it is placed: its lines at the prices of the moment, and what each asks of the stock. */
export type Cart = { currency: string; total: string; lines: OrderLineRow[]; wanted: Wanted[] }
type Wanted = { productId: string; delta: number; pointer: string }

type Products = ReadonlyMap<string, StockedProduct>
type Line = NewOrder['lines'][number]

const productOf = (line: Line): string | undefined => ('productId' in line ? line.productId.toLowerCase() : undefined)

/** The products of an order, each once. */
export const productIds = ({ lines }: NewOrder): Set<string> =>
  new Set(lines.map(productOf).filter((id) => id !== undefined))

/** The fault of a line of goods; `currency` is that of the first product. */
const refusalOf = (
  product: StockedProduct | undefined,
  currency: string | undefined,
): { code: string; message: string } => {
  if (!product) return { code: 'not_found', message: 'there is no such product' }
  if (product.archivedAt !== null) return { code: 'not_available', message: 'the product is archived' }
  if (!product.active) return { code: 'not_available', message: 'the product is not active' }
  return {
    code: 'other_currency',
    message: `is priced in ${product.currency}, others in ${currency}: order them apart`,
  }
}

/** What the lines cost. Faults are added to `errors`; then there is no cart. */
export const cartOf = (
  input: NewOrder,
  products: Products,
  shopCurrency: string,
  errors: ProblemError[],
): Cart | undefined => {
  const goods = input.lines.map((line) => products.get(productOf(line) ?? ''))
  const priced = goods.find((product) => product !== undefined)?.currency
  const currency = input.currency ?? priced ?? shopCurrency
  if (currencyDecimals(currency) === undefined) {
    errors.push({ pointer: '/currency', code: 'unknown_currency', message: 'must be an ISO 4217 code such as EUR' })
    return undefined
  }
  if (priced !== undefined && currency !== priced)
    errors.push({ pointer: '/currency', code: 'mismatch', message: `the products are priced in ${priced}` })

  let total = 0n
  const lines: OrderLineRow[] = []
  const wanted: Wanted[] = []
  const add = (line: Pick<OrderLineRow, 'productId' | 'description' | 'quantity'>, unit: bigint) => {
    const sum = unit * BigInt(line.quantity)
    total += sum
    lines.push({ id: newId(), ...line, unitPrice: fromMinor(unit, currency), lineTotal: fromMinor(sum, currency) })
  }
  for (const [index, line] of input.lines.entries()) {
    const pointer = `/lines/${index}`
    const product = goods[index]
    const { quantity } = line
    if (!('productId' in line)) {
      const unit = toMinor(line.unitPrice, currency)
      if (unit === undefined)
        errors.push({
          pointer: `${pointer}/unitPrice`,
          code: 'too_many_decimals',
          message: priceFault(currency),
        })
      else add({ productId: null, description: line.description, quantity }, unit)
    } else if (!product || product.archivedAt !== null || !product.active || product.currency !== priced) {
      errors.push({ pointer: `${pointer}/productId`, ...refusalOf(product, priced) })
    } else if (currency === priced) {
      const unit = toMinor(product.price, currency)
      if (unit === undefined) throw new Error(`a price is stored with more decimals than ${currency} has`)
      add({ productId: product.id, description: product.name, quantity }, unit)
      wanted.push({ productId: product.id, delta: -quantity, pointer: `${pointer}/quantity` })
    }
  }
  return errors.length > 0 ? undefined : { currency, total: fromMinor(total, currency), lines, wanted }
}

/** One change a product: the sum of its lines. */
export const byProduct = (lines: readonly Pick<Wanted, 'productId' | 'delta'>[]) => {
  const sums = new Map<string, number>()
  for (const { productId, delta } of lines) sums.set(productId, (sums.get(productId) ?? 0) + delta)
  return [...sums].map(([productId, delta]) => ({ productId, delta }))
}
