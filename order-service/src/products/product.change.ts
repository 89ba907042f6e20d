import { NewProduct, type ProductPatch } from '@clientele/contracts/product'
import { type Changes, changesOf, pick } from '@clientele/platform/data/changes'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import type { ProductRow } from './product.model.ts'
import { exactPrice, priceFault, shownPrice } from './product.price.ts'

type Settable = Exclude<keyof NewProduct, 'stock'>
/** The part of a product that clients set, all but the stock, which only movements change. */
export type ProductFields = Pick<ProductRow, Settable>
const settable = Object.keys(NewProduct.shape).filter((field) => field !== 'stock') as Settable[]

const priced = (price: string, currency: string): Pick<ProductFields, 'price' | 'currency'> => {
  const exact = exactPrice(price, currency)
  if (exact === undefined) throw fieldProblem('/price', 'too_many_decimals', priceFault(currency))
  return { price: exact, currency }
}

const given = ({ stock: _stock, ...input }: ProductPatch): Partial<ProductFields> =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))

type Required = 'name' | 'price' | 'currency'
const emptyFields: Omit<ProductFields, Required> = {
  ...(Object.fromEntries(settable.map((field) => [field, null])) as Omit<ProductFields, Required | 'active'>),
  active: true,
}

/** All fields as POST and PUT give them; what is absent is empty. @throws Problem 422 */
export const fieldsOf = (input: NewProduct, shopCurrency: string): ProductFields => ({
  ...emptyFields,
  name: input.name,
  ...given(input),
  ...priced(input.price, input.currency ?? shopCurrency),
})

/** PUT: all fields, but the photo, which has a route of its own, stays unless it is named. */
export const replacementOf = (row: ProductRow, input: NewProduct, shopCurrency: string): ProductFields => ({
  ...fieldsOf(input, shopCurrency),
  photoMediaId: input.photoMediaId === undefined ? row.photoMediaId : input.photoMediaId,
})

/** The fields after a JSON Merge Patch (RFC 7396). @throws Problem 422 for a price that the product's currency does not have */
export const patchedFields = (row: ProductRow, patch: ProductPatch): Partial<ProductFields> => {
  const { price, currency = row.currency, ...others } = patch
  return { ...given(others), ...(price !== undefined && priced(price, currency)) }
}

/** What `row` holds of the fields that clients set. */
export const currentFields = (row: ProductRow): ProductFields => ({
  ...pick(row, settable),
  price: shownPrice(row.price, row.currency),
})

/** The fields that differ from `before`, with what they were; undefined if none does. */
export const difference = (before: ProductFields, fields: ProductFields): Changes | undefined =>
  changesOf(before, fields, settable)
