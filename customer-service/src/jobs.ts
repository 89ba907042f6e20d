import { exportKind } from '@clientele/features/exports/export.jobs'
import { createSnapshotDb } from '@clientele/features/exports/snapshot'
import { importKinds } from '@clientele/features/imports/import.jobs'
import { createJobFiles } from '@clientele/features/jobs/job-files'
import { runJobProcess } from '@clientele/features/jobs/worker-process'
import type { CustomerConfig } from './config.ts'
import { createBulkWriter } from './customers/customer.bulk.ts'
import { customerExport } from './customers/customer.export.ts'
import { createFinder } from './customers/customer.finder.ts'
import { createInputs } from './customers/customer.input.ts'
import { listOf } from './customers/customer.list.ts'
import { defineCustomers } from './customers/customer.model.ts'
import { createCustomerImport } from './imports/customer.import.ts'
import { createUserNames } from './users/user-name.projection.ts'

const schema = 'customers'

runJobProcess<CustomerConfig>({
  name: 'customer-service',
  schema,
  kinds: ({ config, db }) => {
    const inputs = createInputs({
      requiredFields: config.customerRequiredFields,
      defaultCountry: config.defaultCountry,
    })
    const model = defineCustomers(db.sequelize)
    const userNames = createUserNames(db)
    const finder = createFinder(db, model, userNames)
    const parts = { inputs, finder, bulk: createBulkWriter({ db, model }), userNames }
    const deps = { snapshots: createSnapshotDb(config, schema), files: createJobFiles(db), config }
    return [
      ...importKinds({ db, target: createCustomerImport(parts), config }),
      exportKind(customerExport(listOf(config)), deps),
    ]
  },
})
