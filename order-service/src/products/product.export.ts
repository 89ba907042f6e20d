import type { Exportable } from '@clientele/features/exports/export.jobs'
import { exportBody, exportFieldsOf } from '@clientele/features/exports/export-fields'
import { productList } from './product.list.ts'
import { type ProductRow, productAttributes } from './product.model.ts'
import { presentEvent } from './product.presenter.ts'

// A name is a part of who made or changed it.
const fields = exportFieldsOf(productAttributes.filter((name) => !name.endsWith('ByName')))

/** Products as files. */
export const productExport: Exportable<ProductRow> = {
  kind: 'product-export',
  name: 'products',
  list: productList,
  fields,
  present: (rows) => rows.map(presentEvent),
}

export const NewProductExport = exportBody('NewProductExport', productList, fields)
