import type { Exportable } from '@clientele/features/exports/export.jobs'
import { actorParts, exportBody } from '@clientele/features/exports/export-fields'
import { productList } from './product.list.ts'
import type { ProductRow } from './product.model.ts'
import { presentEvent } from './product.presenter.ts'

const fields = {
  id: [],
  sku: [],
  name: [],
  description: [],
  price: [],
  currency: [],
  stock: [],
  lowStockAt: [],
  active: [],
  photoMediaId: [],
  createdAt: [],
  createdBy: actorParts,
  updatedAt: [],
  updatedBy: actorParts,
  archivedAt: [],
  version: [],
}

/** Products as files. */
export const productExport: Exportable<ProductRow> = {
  kind: 'product-export',
  name: 'products',
  list: productList,
  fields,
  present: (rows) => rows.map(presentEvent),
}

export const NewProductExport = exportBody('NewProductExport', productList, fields)
