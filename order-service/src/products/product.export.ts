import type { Exportable } from '@clientele/features/exports/export.jobs'
import { exportBody, exportFieldsOf } from '@clientele/features/exports/export-fields'
import type { UserNames } from '@clientele/platform/data/user-names'
import { productList } from './product.list.ts'
import { type ProductRow, productAttributes } from './product.model.ts'
import { presentEventData } from './product.presenter.ts'

// `createdBy` and `updatedBy` include the names.
const fields = exportFieldsOf(productAttributes.filter((name) => !name.endsWith('ByName')))

/** Exports products. */
export const productExport = (userNames: UserNames): Exportable<ProductRow> => ({
  kind: 'product-export',
  name: 'products',
  list: productList,
  fields,
  numbers: ['price'],
  present: async (rows, tx) => (await userNames.withCurrentNames(rows, tx)).map(presentEventData),
})

export const NewProductExport = exportBody('NewProductExport', productList, fields)
