import { maxStock, NewProduct, type ProductIdBy, type ProductPatch } from '@clientele/contracts/product'
import { type Changes, changesOf, pick } from '@clientele/platform/data/changes'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import type { ProductRow } from './product.model.ts'
import { decimalsMessage, formatPrice, normalisePrice } from './product.price.ts'

type Settable = Exclude<keyof NewProduct, 'stock'>
/** The fields of a product that clients set. The stock is not one of them: only movements change it. */
export type ProductFields = Pick<ProductRow, Settable>
const settable = Object.keys(NewProduct.shape).filter((field) => field !== 'stock') as Settable[]

const priceFields = (price: string, currency: string): Pick<ProductFields, 'price' | 'currency'> => {
  const normalised = normalisePrice(price, currency)
  if (normalised === undefined) throw fieldProblem('/price', 'too_many_decimals', decimalsMessage(currency))
  return { price: normalised, currency }
}

/** Checks a stock that a request sets. The present one may be sent as it was read. @throws Problem 422 */
export const checkStock = (stock: number | undefined, current: number): void => {
  if (stock !== undefined && stock !== current && stock > maxStock)
    throw fieldProblem('/stock', 'too_big', `must be at most ${maxStock}`)
}

const definedFields = ({ stock: _stock, ...input }: ProductPatch): Partial<ProductFields> =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))

type Required = 'name' | 'price' | 'currency'
const emptyFields: Omit<ProductFields, Required> = {
  ...(Object.fromEntries(settable.map((field) => [field, null])) as Omit<ProductFields, Required | 'active'>),
  active: true,
}

/** The fields of a product from a POST or PUT body; absent fields are empty. @throws Problem 422 */
export const newFields = (input: NewProduct, shopCurrency: string): ProductFields => ({
  ...emptyFields,
  name: input.name,
  ...definedFields(input),
  ...priceFields(input.price, input.currency ?? shopCurrency),
})

/**
 * The fields after a PUT. Without `photoMediaId` the photo stays, because it has a route of its own, and so does the SKU by which
 * the path names the product.
 */
export const replacementFields = (
  row: ProductRow,
  input: NewProduct,
  { shopCurrency, idBy }: { shopCurrency: string; idBy?: ProductIdBy | undefined },
): ProductFields => ({
  ...newFields(input, shopCurrency),
  ...(idBy === 'sku' && input.sku === undefined && { sku: row.sku }),
  photoMediaId: input.photoMediaId === undefined ? row.photoMediaId : input.photoMediaId,
})

/** The fields after a JSON Merge Patch (RFC 7396). @throws Problem 422 if the price has more decimals than the currency */
export const patchedFields = (row: ProductRow, patch: ProductPatch): Partial<ProductFields> => {
  const { price, currency = row.currency, ...others } = patch
  return { ...definedFields(others), ...(price !== undefined && priceFields(price, currency)) }
}

/** The current values of the fields that clients set. */
export const currentFields = (row: ProductRow): ProductFields => ({
  ...pick(row, settable),
  price: formatPrice(row.price, row.currency),
})

/** The fields that differ from `before`, with their previous values; undefined if none does. */
export const difference = (before: ProductFields, fields: ProductFields): Changes | undefined =>
  changesOf(before, fields, settable)
