import { exportKind } from '@clientele/features/exports/export.jobs'
import { createSnapshotDb } from '@clientele/features/exports/snapshot'
import { importKinds } from '@clientele/features/imports/import.jobs'
import { createJobFiles } from '@clientele/features/jobs/job-files'
import { runJobProcess } from '@clientele/features/jobs/worker-process'
import type { OrderConfig } from './config.ts'
import { orderExport } from './orders/order.export.ts'
import { createOrderFinder } from './orders/order.finder.ts'
import { defineOrders } from './orders/order.model.ts'
import { createBulkWriter } from './products/product.bulk.ts'
import { productExport } from './products/product.export.ts'
import { createProductFinder } from './products/product.finder.ts'
import { createProductImport } from './products/product.import.ts'
import { createInputs } from './products/product.input.ts'
import { defineProducts } from './products/product.model.ts'

const schema = 'orders'

runJobProcess<OrderConfig>({
  name: 'order-service',
  schema,
  kinds: ({ config, db }) => {
    const deps = { snapshots: createSnapshotDb(config, schema), files: createJobFiles(db), config }
    const { shopCurrency } = config
    const model = defineProducts(db.sequelize)
    const parts = {
      inputs: createInputs(shopCurrency),
      finder: createProductFinder(db, model),
      bulk: createBulkWriter({ db, model }),
    }
    return [
      ...importKinds({ db, target: createProductImport({ ...parts, shopCurrency }), config }),
      exportKind(productExport, deps),
      exportKind(orderExport(createOrderFinder(db, defineOrders(db.sequelize))), deps),
    ]
  },
})
