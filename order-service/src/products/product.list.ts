import { asksFor, boolean, list, notBefore, number, text, time, userId, whole } from '@clientele/platform/lists/list'
import { type ProductRow, productAttributes } from './product.model.ts'

/** The trash is listed only when it is asked for: by `archivedAt`, such as `archivedAt[exists]=true`. */
export const productList = list<ProductRow>({
  table: 'products',
  columns: productAttributes,
  sort: ['createdAt', 'updatedAt', 'name', 'price', 'stock', 'sku'],
  defaultSort: '-createdAt',
  filter: {
    name: text({ searched: true }),
    sku: text({ searched: true }),
    price: number(),
    stock: whole(),
    active: boolean(),
    createdBy: userId(),
    createdAt: time(),
    updatedAt: time({ after: notBefore('created_at') }),
    archivedAt: time(),
  },
  search: 'search_text',
  aliases: { keyword: 'q', max_price: 'price[lte]' },
  where: (query) => (asksFor('archivedAt', query) ? 'archived_at is not null' : 'archived_at is null'),
})
