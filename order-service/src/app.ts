import { createExportService } from '@clientele/features/exports/export.routes'
import { createImports, importJobKinds } from '@clientele/features/imports/create-imports'
import { createJobs } from '@clientele/features/jobs/create-jobs'
import { createMediaClient } from '@clientele/features/photos/media.client'
import { createMediaLink } from '@clientele/features/photos/media-link'
import { jobNames, nameErasureTask, stampNames } from '@clientele/features/users/name-erasure'
import { userNameConsumer, userNameProjection } from '@clientele/features/users/user-names.consumer'
import { userReconciliationTask } from '@clientele/features/users/user-reconciliation'
import type { TokenVerifier } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { createUserNames } from '@clientele/platform/data/user-names'
import { type Api, createApi } from '@clientele/platform/http/api'
import type { Log } from '@clientele/platform/runtime/log'
import type { OrderConfig } from './config.ts'
import { customerConsumer } from './consumers/customers.consumer.ts'
import { mediaRemovedConsumer } from './consumers/media-removed.consumer.ts'
import { createCustomerClient } from './customers/customer.client.ts'
import { createCustomerProjection } from './customers/customer.projection.ts'
import { customerReconciliationTask } from './customers/customer.reconciliation.ts'
import { definePurgedCustomers } from './customers/purged-customer.model.ts'
import { type FileRouteDeps, fileRoutes, jobsBase } from './file.routes.ts'
import { anonymisationTask, createAnonymisation } from './orders/order.anonymisation.ts'
import { createOrderFinder } from './orders/order.finder.ts'
import { defineOrders } from './orders/order.model.ts'
import { createPlacement } from './orders/order.placement.ts'
import { type OrderRouteDeps, orderRoutes } from './orders/order.routes.ts'
import { orderSearchTextTask } from './orders/order.search-text.ts'
import { createOrderService } from './orders/order.service.ts'
import { defineOrderLines } from './orders/order-line.model.ts'
import { createProductBatch } from './products/product.batch.ts'
import { createProductBulkWriter } from './products/product.bulk.ts'
import { createProductFinder } from './products/product.finder.ts'
import { createProductImport } from './products/product.import.ts'
import { createProductInputs } from './products/product.input.ts'
import { defineProducts } from './products/product.model.ts'
import { type ProductRouteDeps, productRoutes } from './products/product.routes.ts'
import { productSearchTextTask } from './products/product.search-text.ts'
import { createProductService } from './products/product.service.ts'
import { createProductWriter } from './products/product.writer.ts'
import { lowStockTask } from './stock/low-stock.ts'
import { type MovementRouteDeps, movementRoutes } from './stock/movement.routes.ts'
import { createMovementService } from './stock/movement.service.ts'
import { type SummaryRouteDeps, summaryRoutes } from './summary/summary.routes.ts'
import { createSummaryService } from './summary/summary.service.ts'

const storedNames = [
  ...stampNames('products'),
  ...stampNames('orders'),
  { table: 'stock_movements', key: 'id', id: 'created_by', name: 'created_by_name' },
  ...jobNames,
]

export const service = { service: 'order-service', title: 'Products and orders' }

/** Declares all routes of the service. */
export const declareRoutes = (
  api: Api,
  deps: ProductRouteDeps & MovementRouteDeps & OrderRouteDeps & SummaryRouteDeps & FileRouteDeps,
): void => {
  productRoutes(api, deps)
  movementRoutes(api, deps)
  summaryRoutes(api, deps)
  orderRoutes(api, deps)
  fileRoutes(api, deps)
}

type Deps = { config: OrderConfig; db: Db; verifier: TokenVerifier; log: Log }

/** Wires the service. It connects to nothing and starts nothing. */
export const createApp = ({ config, db, verifier, log }: Deps) => {
  const { shopCurrency } = config
  const inputs = createProductInputs(shopCurrency)
  const media = createMediaClient(config)
  const photoLink = createMediaLink(config)
  const productModel = defineProducts(db.sequelize)
  const userNames = createUserNames(db)
  const finder = createProductFinder(db, productModel, userNames)
  const writer = createProductWriter(productModel)
  const products = createProductService({ db, finder, userNames, writer, media, photoLink, shopCurrency })
  const movements = createMovementService({ db, finder, userNames })
  const customerClient = createCustomerClient(config)
  const purged = definePurgedCustomers(db.sequelize)
  const customers = createCustomerProjection({ db, purged })
  const orderModel = defineOrders(db.sequelize)
  const orderFinder = createOrderFinder({ db, model: orderModel, userNames, customers })
  const placement = createPlacement({ ...config, db, customers, customerClient })
  const orders = createOrderService({ db, model: orderModel, finder: orderFinder, placement, customerClient })
  const anonymisePurged = createAnonymisation({
    db,
    finder: orderFinder,
    orders: orderModel,
    lines: defineOrderLines(db.sequelize),
    purged,
    customers,
  })
  const summary = createSummaryService({ db, shopCurrency, shopTimeZone: config.shopTimeZone })

  const jobs = createJobs({
    name: service.service,
    db,
    config,
    log,
    program: new URL('./jobs.ts', import.meta.url),
    kinds: [...importJobKinds, 'product-export', 'order-export'],
    userNames,
    base: jobsBase,
  })
  const exports = createExportService({ db, jobs, exportsPerDay: config.exportsPerDay })
  const target = createProductImport({
    inputs,
    finder,
    bulk: createProductBulkWriter({ db, model: productModel }),
    shopCurrency,
  })
  const imports = createImports({ db, config, log, target, jobs })

  const api = createApi({ ...service, verifier, db, log, config })
  declareRoutes(api, {
    ...imports,
    exports,
    jobs: jobs.service,
    products,
    batch: createProductBatch(products, inputs),
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
    consumers: [
      mediaRemovedConsumer({ products }),
      customerConsumer({ customers }),
      userNameConsumer({ service: service.service, userNames }),
      ...jobs.consumers,
    ],
    tasks: [
      ...jobs.tasks,
      ...imports.tasks,
      anonymisationTask({ log, run: anonymisePurged }),
      productSearchTextTask({ db, log }),
      orderSearchTextTask({ db, finder: orderFinder, customers, log }),
      lowStockTask({ db, log }),
      customerReconciliationTask({ ...config, customers, log }),
      nameErasureTask(db, log, storedNames),
      userReconciliationTask({
        userServiceInternalUrl: config.userServiceInternalUrl,
        db,
        log,
        projections: [userNameProjection(userNames), ...jobs.projections],
      }),
    ],
    /** For tests. The process of a service just exits. */
    close: async () => void (await Promise.all([media.close(), customerClient.close()])),
  }
}
