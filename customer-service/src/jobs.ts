import { importKinds } from '@clientele/platform/import-kinds'
import { runJobProcess } from '@clientele/platform/job-process'
import type { CustomerConfig } from './config.ts'
import { createBulkWriter } from './customers/customer.bulk.ts'
import { createFinder } from './customers/customer.finder.ts'
import { createInputs } from './customers/customer.input.ts'
import { createCustomerImport } from './imports/customer.import.ts'
import { createUserNames } from './people/user-name.ts'

runJobProcess<CustomerConfig>({
  name: 'customer-service',
  schema: 'customers',
  kinds: ({ config, db }) => {
    const inputs = createInputs({
      requiredFields: config.customerRequiredFields,
      defaultCountry: config.defaultCountry,
    })
    const parts = { inputs, finder: createFinder(db), bulk: createBulkWriter({ db }), userNames: createUserNames(db) }
    return importKinds({ db, target: createCustomerImport(parts), config })
  },
})
