import { type ExportRouteDeps, exportRoute } from '@clientele/features/exports/export.routes'
import { type ImportRouteDeps, importRoutes } from '@clientele/features/imports/import.routes'
import { type JobRouteDeps, jobRoutes } from '@clientele/features/jobs/job.routes'
import type { Api } from '@clientele/platform/http/api'
import { NewOrderExport } from './orders/order.export.ts'
import { NewProductExport } from './products/product.export.ts'

export type TransferRouteDeps = ImportRouteDeps & ExportRouteDeps & JobRouteDeps

/** Where the jobs of this service are. */
export const jobsBase = '/v1/order-jobs'

/** Products and orders as files, in and out, and the jobs that do it. */
export const transferRoutes = (api: Api, deps: TransferRouteDeps): void => {
  importRoutes(api, deps, { base: '/v1/product-imports', jobs: jobsBase, subject: 'Product', tag: 'Products' })
  exportRoute(api, deps, {
    path: '/v1/product-exports',
    operationId: 'createProductExport',
    summary: 'Starts an export of products',
    tag: 'Products',
    kind: 'product-export',
    jobs: jobsBase,
    body: NewProductExport,
  })
  exportRoute(api, deps, {
    path: '/v1/order-exports',
    operationId: 'createOrderExport',
    summary: 'Starts an export of orders with their lines',
    tag: 'Orders',
    kind: 'order-export',
    jobs: jobsBase,
    body: NewOrderExport,
  })
  jobRoutes(api, deps, { base: jobsBase, subject: 'Order', tag: 'Orders' })
}
