import { customerEvents } from '@clientele/contracts/customer'
import { examples } from '@clientele/contracts/examples'
import { importFinished } from '@clientele/contracts/imports/import'
import { userEvents } from '@clientele/contracts/user'
import { createImportUploads } from '@clientele/features/imports/import.uploads'
import { documentOf, type ServiceContract } from '@clientele/platform/service/contract'
import { declareRoutes, service } from './app.ts'
import { mediaRemovedEvents } from './consumers/media-removed.consumer.ts'
import { type CustomerPolicy, createInputs } from './customers/customer.input.ts'
import { createCustomerList } from './customers/customer.list.ts'

type Deps = Parameters<typeof declareRoutes>[1]

const policy: CustomerPolicy = { requiredFields: ['name', 'surname'] }

/** The API and the events of customer-service. The schemas are those of the default required fields. */
export const contract: ServiceContract = {
  ...service,
  document: () => {
    const uploads = createImportUploads({
      config: { importMaxBytes: 0, importMaxUploads: 0 },
    } as Parameters<typeof createImportUploads>[0])
    const declared = { inputs: createInputs(policy), list: createCustomerList(policy), uploads }
    return documentOf({ ...service, examples }, (api) => declareRoutes(api, declared as Deps))
  },
  publishes: [...customerEvents, importFinished],
  consumes: [...userEvents, ...mediaRemovedEvents],
}
