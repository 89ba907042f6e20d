import { type ExportService, exportRoute } from '@clientele/platform/export-routes'
import { jobRoutes } from '@clientele/platform/job-routes'
import type { JobService } from '@clientele/platform/job-service'
import type { Api } from '@clientele/platform/operation'
import { NewOrderExport } from './orders/order.export.ts'
import { NewProductExport } from './products/product.export.ts'

export type TransferRouteDeps = { exports: ExportService; jobs: JobService }

/** Where the jobs of this service are. */
export const jobsBase = '/v1/order-jobs'

/** Products and orders as files, and the jobs that make them. */
export const transferRoutes = (api: Api, deps: TransferRouteDeps): void => {
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
