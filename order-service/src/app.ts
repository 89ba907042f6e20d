import { createExportService } from '@clientele/features/exports/export.routes'
import { createImports, importJobs } from '@clientele/features/imports/create-imports'
import { createJobs } from '@clientele/features/jobs/create-jobs'
import { createMediaClient } from '@clientele/features/photos/media.client'
import { createMediaLink } from '@clientele/features/photos/media-link'
import type { Verifier } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { type Api, createApi } from '@clientele/platform/http/api'
import type { Log } from '@clientele/platform/runtime/log'
import type { OrderConfig } from './config.ts'
import { customerChanged } from './consumers/customers.consumer.ts'
import { mediaGone } from './consumers/media-gone.consumer.ts'
import { createCustomerClient } from './customers/customer.client.ts'
import { createCustomerStates } from './customers/customer.projection.ts'
import { definePurgedCustomers } from './customers/purged-customer.model.ts'
import { anonymisationTask, createAnonymisation } from './orders/order.anonymisation.ts'
import { createOrderFinder } from './orders/order.finder.ts'
import { defineOrders } from './orders/order.model.ts'
import { createPlacement } from './orders/order.placement.ts'
import { type OrderRouteDeps, orderRoutes } from './orders/order.routes.ts'
import { createOrderService } from './orders/order.service.ts'
import { defineOrderLines } from './orders/order-line.model.ts'
import { createBulkWriter } from './products/product.bulk.ts'
import { createProductFinder } from './products/product.finder.ts'
import { createProductImport } from './products/product.import.ts'
import { createInputs } from './products/product.input.ts'
import { defineProducts } from './products/product.model.ts'
import { type ProductRouteDeps, productRoutes } from './products/product.routes.ts'
import { createProductService } from './products/product.service.ts'
import { createWriter } from './products/product.writer.ts'
import { lowStockTask } from './stock/low-stock.ts'
import { type MovementRouteDeps, movementRoutes } from './stock/movement.routes.ts'
import { createMovementService } from './stock/movement.service.ts'
import { type SummaryRouteDeps, summaryRoutes } from './summary/summary.routes.ts'
import { createSummaryService } from './summary/summary.service.ts'
import { jobsBase, type TransferRouteDeps, transferRoutes } from './transfers.routes.ts'

export const service = { service: 'order-service', title: 'Products and orders' }

/** All routes of the service. */
export const declareRoutes = (
  api: Api,
  deps: ProductRouteDeps & MovementRouteDeps & OrderRouteDeps & SummaryRouteDeps & TransferRouteDeps,
): void => {
  productRoutes(api, deps)
  movementRoutes(api, deps)
  summaryRoutes(api, deps)
  orderRoutes(api, deps)
  transferRoutes(api, deps)
}

type Deps = { config: OrderConfig; db: Db; verifier: Verifier; log: Log }

/** Puts the service together; nothing is connected or started here. */
export const createApp = ({ config, db, verifier, log }: Deps) => {
  const { shopCurrency } = config
  const inputs = createInputs(shopCurrency)
  const media = createMediaClient(config)
  const photoLink = createMediaLink(config)
  const productModel = defineProducts(db.sequelize)
  const finder = createProductFinder(db, productModel)
  const writer = createWriter(productModel)
  const products = createProductService({ db, finder, writer, media, photoLink, shopCurrency })
  const movements = createMovementService({ db, finder })
  const customerClient = createCustomerClient(config)
  const purged = definePurgedCustomers(db.sequelize)
  const customerStates = createCustomerStates({ db, purged })
  const orderModel = defineOrders(db.sequelize)
  const orderFinder = createOrderFinder(db, orderModel)
  const placement = createPlacement({ db, customerStates, customerClient, shopCurrency })
  const orders = createOrderService({ db, model: orderModel, finder: orderFinder, placement })
  const anonymise = createAnonymisation({
    db,
    finder: orderFinder,
    orders: orderModel,
    lines: defineOrderLines(db.sequelize),
    purged,
  })
  const summary = createSummaryService({ db })

  const jobs = createJobs({
    db,
    config,
    log,
    program: new URL('./jobs.ts', import.meta.url),
    kinds: [...importJobs, 'product-export', 'order-export'],
    base: jobsBase,
  })
  const exports = createExportService({ db, jobs: jobs.service })
  const target = createProductImport({
    inputs,
    finder,
    bulk: createBulkWriter({ db, model: productModel }),
    shopCurrency,
  })
  const imports = createImports({ db, config, log, target, jobs })

  const api = createApi({ ...service, verifier, db, log, config })
  declareRoutes(api, {
    ...imports,
    exports,
    jobs: jobs.service,
    products,
    movements,
    orders,
    summary,
    inputs,
    media,
    photoLink,
  })
  return {
    app: api.app(),
    bulkEventsPerSecond: config.importEventsPerSecond,
    consumers: [mediaGone({ products }), customerChanged({ customerStates })],
    tasks: [...jobs.tasks, ...imports.tasks, anonymisationTask({ log, run: anonymise }), lowStockTask({ db, log })],
    close: async () => void (await Promise.all([media.close(), customerClient.close()])),
  }
}
