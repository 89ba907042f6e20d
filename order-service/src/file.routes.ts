import { type ExportRouteDeps, exportRoute } from '@clientele/features/exports/export.routes'
import { type ImportRouteDeps, importRoutes } from '@clientele/features/imports/import.routes'
import { type JobRouteDeps, jobRoutes } from '@clientele/features/jobs/job.routes'
import type { Api } from '@clientele/platform/http/api'
import { NewOrderExport } from './orders/order.export.ts'
import { NewProductExport } from './products/product.export.ts'

export type FileRouteDeps = ImportRouteDeps & ExportRouteDeps & JobRouteDeps

/** The path of this service's jobs. */
export const jobsBase = '/v1/order-jobs'

/** Declares imports of products, exports of products and orders, and their jobs. */
export const fileRoutes = (api: Api, deps: FileRouteDeps): void => {
  importRoutes(api, deps, {
    base: '/v1/product-imports',
    jobs: jobsBase,
    records: 'products',
    subject: 'Product',
    tag: 'Products',
  })
  exportRoute(api, deps, {
    path: '/v1/product-exports',
    operationId: 'createProductExport',
    summary: 'Create an export of products',
    tag: 'Products',
    kind: 'product-export',
    jobs: jobsBase,
    body: NewProductExport,
  })
  exportRoute(api, deps, {
    path: '/v1/order-exports',
    operationId: 'createOrderExport',
    summary: 'Create an export of orders with their lines',
    tag: 'Orders',
    kind: 'order-export',
    jobs: jobsBase,
    body: NewOrderExport,
  })
  jobRoutes(api, deps, {
    base: jobsBase,
    work: 'product imports, product exports and order exports',
    subject: 'Order',
    tag: 'Orders',
  })
}
