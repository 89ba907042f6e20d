import { exportKind } from '@clientele/platform/export-kind'
import { createSnapshotDb } from '@clientele/platform/export-snapshot'
import { createJobFiles } from '@clientele/platform/job-files'
import { runJobProcess } from '@clientele/platform/job-process'
import type { OrderConfig } from './config.ts'
import { orderExport } from './orders/order.export.ts'
import { createFinder } from './orders/order.finder.ts'
import { productExport } from './products/product.export.ts'

const schema = 'orders'

runJobProcess<OrderConfig>({
  name: 'order-service',
  schema,
  kinds: ({ config, db }) => {
    const deps = { snapshots: createSnapshotDb(config, schema), files: createJobFiles(db), config }
    return [exportKind(productExport, deps), exportKind(orderExport(createFinder(db)), deps)]
  },
})
