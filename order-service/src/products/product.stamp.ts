import { newId } from '@clientele/platform/data/db'
import { type Author, newStamps } from '@clientele/platform/data/stamps'
import { foldText } from '@clientele/platform/lists/fold-text'
import type { ProductFields } from './product.change.ts'
import type { ProductRow } from './product.model.ts'

/** The row of a new product, before its first stock. */
export const newProductRow = (fields: ProductFields, author: Author, at: Date): ProductRow => ({
  ...fields,
  ...newStamps(author, at),
  id: newId(),
  stock: 0,
  archivedAt: null,
})

/** A new product as its first movement finds it: before version 1, so that a product with stock begins there as others do. */
export const beforeFirstVersion = (row: ProductRow): ProductRow => ({ ...row, version: 0 })

/** What `q` looks into. */
export const searchText = ({ name, sku }: Pick<ProductFields, 'name' | 'sku'>): string =>
  foldText([name, sku ?? ''].join(' '))
