import { exportKind } from '@clientele/features/exports/export.jobs'
import { createSnapshotDb } from '@clientele/features/exports/snapshot'
import { importKinds } from '@clientele/features/imports/import.jobs'
import { createJobFiles } from '@clientele/features/jobs/job-files'
import { runJobProcess } from '@clientele/features/jobs/worker-process'
import type { OrderConfig } from './config.ts'
import { orderExport } from './orders/order.export.ts'
import { createFinder as createOrderFinder } from './orders/order.finder.ts'
import { createBulkWriter } from './products/product.bulk.ts'
import { productExport } from './products/product.export.ts'
import { createFinder } from './products/product.finder.ts'
import { createProductImport } from './products/product.import.ts'
import { createInputs } from './products/product.input.ts'

const schema = 'orders'

runJobProcess<OrderConfig>({
  name: 'order-service',
  schema,
  kinds: ({ config, db }) => {
    const deps = { snapshots: createSnapshotDb(config, schema), files: createJobFiles(db), config }
    const { shopCurrency } = config
    const parts = { inputs: createInputs(shopCurrency), finder: createFinder(db), bulk: createBulkWriter({ db }) }
    return [
      ...importKinds({ db, target: createProductImport({ ...parts, shopCurrency }), config }),
      exportKind(productExport, deps),
      exportKind(orderExport(createOrderFinder(db)), deps),
    ]
  },
})
