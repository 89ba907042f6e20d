import { customerEvents } from '@clientele/contracts/customer'
import { importFinished } from '@clientele/contracts/import'
import { userEvents } from '@clientele/contracts/user'
import { importUploads } from '@clientele/features/imports/import.uploads'
import { documentOf, type ServiceContract } from '@clientele/platform/service/contract'
import { declareRoutes, service } from './app.ts'
import { mediaGoneEvents } from './consumers/media-gone.consumer.ts'
import { createInputs, type Policy } from './customers/customer.input.ts'
import { listOf } from './customers/customer.list.ts'

type Deps = Parameters<typeof declareRoutes>[1]

const policy: Policy = { requiredFields: ['name', 'surname'] }

/** What customer-service promises, under the default policy of required fields. */
export const contract: ServiceContract = {
  ...service,
  document: () => {
    const files = {} as Parameters<typeof importUploads>[0]['files']
    const uploads = importUploads({ files, config: { importMaxBytes: 0, importMaxUploads: 0 } })
    const declared = { inputs: createInputs(policy), list: listOf(policy), uploads }
    return documentOf(service, (api) => declareRoutes(api, declared as Deps))
  },
  publishes: [...customerEvents, importFinished],
  consumes: [...userEvents, ...mediaGoneEvents],
}
