import { customerEvents } from '@clientele/contracts/customer'
import { userEvents } from '@clientele/contracts/user'
import { documentOf, type ServiceContract } from '@clientele/platform/contract'
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
    const declared = { inputs: createInputs(policy), list: listOf(policy) }
    return documentOf(service, (api) => declareRoutes(api, declared as Deps))
  },
  publishes: customerEvents,
  consumes: [...userEvents, ...mediaGoneEvents],
}
