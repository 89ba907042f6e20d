import type { NewProduct, ProductPatch } from '@clientele/contracts/product'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import type { ProductRow } from './product.model.ts'
import { exactPrice, priceFault, shownPrice } from './product.price.ts'

const settable = ['sku', 'name', 'description', 'price', 'currency', 'lowStockAt', 'active', 'photoMediaId'] as const
/** The part of a product that clients set, all but the stock, which only movements change. */
export type ProductFields = Pick<ProductRow, (typeof settable)[number]>

const priced = (price: string, currency: string): Pick<ProductFields, 'price' | 'currency'> => {
  const exact = exactPrice(price, currency)
  if (exact === undefined) throw fieldProblem('/price', 'too_many_decimals', priceFault(currency))
  return { price: exact, currency }
}

/** All fields as POST and PUT give them; what is absent is empty. */
export const fieldsOf = (input: NewProduct, shopCurrency: string): ProductFields => ({
  sku: input.sku ?? null,
  name: input.name,
  description: input.description ?? null,
  ...priced(input.price, input.currency ?? shopCurrency),
  lowStockAt: input.lowStockAt ?? null,
  active: input.active ?? true,
  photoMediaId: input.photoMediaId ?? null,
})

/** PUT: all fields, but the photo, which has a route of its own, stays unless it is named. */
export const replacementOf = (row: ProductRow, input: NewProduct, shopCurrency: string): ProductFields => ({
  ...fieldsOf(input, shopCurrency),
  photoMediaId: input.photoMediaId === undefined ? row.photoMediaId : input.photoMediaId,
})

/** The fields after a JSON Merge Patch (RFC 7396). @throws Problem 422 for a price that the product's currency does not have */
export const patchedFields = (row: ProductRow, patch: ProductPatch): Partial<ProductFields> => {
  const { stock: _stock, price, currency = row.currency, ...given } = patch
  return {
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...(price !== undefined && priced(price, currency)),
  }
}

/** What `row` holds of the fields that clients set. */
export const currentFields = (row: ProductRow): ProductFields => ({
  ...(Object.fromEntries(settable.map((field) => [field, row[field]])) as ProductFields),
  price: shownPrice(row.price, row.currency),
})

/** The names of the fields that differ, and what they were; undefined where none does. */
export const difference = (before: ProductFields, fields: ProductFields) => {
  const changed = settable.filter((field) => before[field] !== fields[field])
  if (changed.length === 0) return undefined
  return {
    changed: [...changed] as string[],
    previous: Object.fromEntries(changed.map((name) => [name, before[name]])),
  }
}
