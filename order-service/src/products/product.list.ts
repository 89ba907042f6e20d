import { markEstimated } from '@clientele/platform/lists/condition'
import { type Filter, FilterError } from '@clientele/platform/lists/filters'
import {
  boolean,
  columnBefore,
  integer,
  list,
  number,
  requiresField,
  text,
  time,
  userId,
} from '@clientele/platform/lists/list'
import { type ProductRow, productColumns } from './product.model.ts'

/** The condition of the index `products_low_stock`. `false` is not a value, because no index would serve it. */
const low: Filter = {
  operators: ['eq'],
  description: '`true`: the stock is at or below `lowStockAt`',
  value: { type: 'boolean', const: true },
  parse: (_operator, value) => {
    if (value !== 'true') throw new FilterError('must be true')
    return markEstimated(() => 'low_stock_at is not null and stock <= low_stock_at')
  },
}

/** The list of products. A filter on `deletedAt` lists the trash instead, for example `deletedAt[exists]=true`. */
export const productList = list<ProductRow>({
  table: 'products',
  columns: productColumns,
  sort: ['createdAt', 'updatedAt', 'name', 'price', 'stock', 'sku'],
  defaultSort: '-createdAt',
  filter: {
    name: text({ searched: true, sorted: true }),
    sku: text({ searched: true, sorted: true }),
    price: number(),
    stock: integer(),
    low,
    active: boolean(),
    createdBy: userId(),
    createdAt: time(),
    updatedAt: time({ upperBoundImplies: columnBefore('created_at') }),
    deletedAt: time({ column: productColumns.deletedAt }),
  },
  search: 'search_text',
  similarNames: ['name'],
  aliases: { keyword: 'q', max_price: 'price[lte]' },
  where: (query) => (requiresField('deletedAt', query) ? 'archived_at is not null' : 'archived_at is null'),
})
