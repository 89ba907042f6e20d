import { searchTextTask } from '@clientele/features/search-texts/search-text-task'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import type { ProductRow } from './product.model.ts'
import { searchText } from './product.row.ts'

const select = 'select id, name, sku from products'
const store = `update products set search_text = source.text from unnest($1::uuid[], $2::text[]) as source (id, text)
where products.id = source.id`

/** Writes the search texts of products that an earlier release has written. */
export const productSearchTextTask = ({ db, log }: { db: Db; log: Log }): Task => {
  const write = async (rows: readonly Pick<ProductRow, 'id' | 'name' | 'sku'>[], tx: Tx): Promise<void> => {
    await db.query(store, [rows.map(({ id }) => id), rows.map(searchText)], { tx })
  }
  return searchTextTask({ name: 'product-search-text', db, log, select, write })
}
