import { searchTextTask } from '@clientele/features/search-texts/search-text-task'
import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import type { ProductRow } from './product.model.ts'
import { searchText } from './product.row.ts'

const select = 'select id, name, sku from products'
type Row = Pick<ProductRow, 'id' | 'name' | 'sku'>

/** Writes the search texts of products that an earlier release has written. */
export const productSearchTextTask = ({ db, log }: { db: Db; log: Log }): Task =>
  searchTextTask({
    name: 'product-search-text',
    db,
    log,
    table: 'products',
    select,
    textsOf: (rows: readonly Row[]) => rows.map(searchText),
  })
