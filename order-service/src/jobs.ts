import { createExportJobKind } from '@clientele/features/exports/export.jobs'
import { createSnapshotDb } from '@clientele/features/exports/snapshot'
import { createImportJobKinds } from '@clientele/features/imports/import.jobs'
import { createJobQuota } from '@clientele/features/jobs/job.quota'
import { createJobFiles } from '@clientele/features/jobs/job-files'
import { runWorkerProcess } from '@clientele/features/jobs/worker-process'
import { createUserNames } from '@clientele/platform/data/user-names'
import type { OrderConfig } from './config.ts'
import { createCustomerProjection } from './customers/customer.projection.ts'
import { definePurgedCustomers } from './customers/purged-customer.model.ts'
import { orderExport } from './orders/order.export.ts'
import { createOrderFinder } from './orders/order.finder.ts'
import { defineOrders } from './orders/order.model.ts'
import { createProductBulkWriter } from './products/product.bulk.ts'
import { productExport } from './products/product.export.ts'
import { createProductFinder } from './products/product.finder.ts'
import { createProductImport } from './products/product.import.ts'
import { createProductInputs } from './products/product.input.ts'
import { defineProducts } from './products/product.model.ts'

const schema = 'orders'

runWorkerProcess<OrderConfig>({
  name: 'order-service',
  schema,
  kinds: ({ config, db }) => {
    const quota = createJobQuota(db, config)
    const deps = { snapshots: createSnapshotDb(config, schema), files: createJobFiles(db), quota, config }
    const { shopCurrency } = config
    const model = defineProducts(db.sequelize)
    const userNames = createUserNames(db)
    const parts = {
      inputs: createProductInputs(shopCurrency),
      finder: createProductFinder(db, model, userNames),
      bulk: createProductBulkWriter({ db, model }),
    }
    const customers = createCustomerProjection({ db, purged: definePurgedCustomers(db.sequelize) })
    const orders = createOrderFinder({ db, model: defineOrders(db.sequelize), userNames, customers })
    return [
      ...createImportJobKinds({ db, target: createProductImport({ ...parts, shopCurrency }), config }),
      createExportJobKind(productExport(userNames), deps),
      createExportJobKind(orderExport(orders), deps),
    ]
  },
})
