import { createExportJobKind } from '@clientele/features/exports/export.jobs'
import { createSnapshotDb } from '@clientele/features/exports/snapshot'
import { createImportJobKinds } from '@clientele/features/imports/import.jobs'
import { createJobQuota } from '@clientele/features/jobs/job.quota'
import { createJobFiles } from '@clientele/features/jobs/job-files'
import { runWorkerProcess } from '@clientele/features/jobs/worker-process'
import { createUserNames } from '@clientele/platform/data/user-names'
import { createBulkJobKinds } from './bulk/bulk.jobs.ts'
import type { CustomerConfig } from './config.ts'
import { createBulkWriter } from './customers/customer.bulk.ts'
import { customerExport } from './customers/customer.export.ts'
import { createFinder } from './customers/customer.finder.ts'
import { createInputs } from './customers/customer.input.ts'
import { createCustomerList } from './customers/customer.list.ts'
import { defineCustomers } from './customers/customer.model.ts'
import { createCustomerImport } from './imports/customer.import.ts'

const schema = 'customers'

runWorkerProcess<CustomerConfig>({
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
    const bulk = createBulkWriter({ db, model })
    const list = createCustomerList(config)
    const files = createJobFiles(db)
    const quota = createJobQuota(db, config)
    const deps = { snapshots: createSnapshotDb(config, schema), files, quota, config }
    return [
      ...createImportJobKinds({ db, target: createCustomerImport({ inputs, finder, bulk, userNames }), config }),
      createExportJobKind(customerExport(list, userNames), deps),
      ...createBulkJobKinds({ db, list, finder, bulk, userNames, files, keepHours: config.jobKeepHours }),
    ]
  },
})
