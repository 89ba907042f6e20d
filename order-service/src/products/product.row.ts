import { newId } from '@clientele/platform/data/db'
import { newStamps, type StampActor } from '@clientele/platform/data/stamps'
import { searchTextOf } from '@clientele/platform/lists/words/fold-text'
import type { ProductFields } from './product.change.ts'
import type { ProductRow } from './product.model.ts'

/** The row of a new product, before its initial stock. */
export const newProductRow = (fields: ProductFields, actor: StampActor, at: Date): ProductRow => ({
  ...fields,
  ...newStamps(actor, at),
  id: newId(),
  stock: 0,
  deletedAt: null,
})

/** A new product before its initial stock movement. A movement raises the version, and the product is to start at version 1. */
export const beforeFirstVersion = (row: ProductRow): ProductRow => ({ ...row, version: 0 })

/** The text that `q` searches. */
export const searchText = ({ name, sku }: Pick<ProductFields, 'name' | 'sku'>): string => searchTextOf([name, sku])
