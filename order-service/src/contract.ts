import { customerEvents } from '@clientele/contracts/customer'
import { orderEvents } from '@clientele/contracts/order'
import { productEvents } from '@clientele/contracts/product'
import { documentOf, type ServiceContract } from '@clientele/platform/contract'
import { declareRoutes, service } from './app.ts'
import { mediaGoneEvents } from './consumers/media-gone.consumer.ts'
import { createInputs } from './products/product.input.ts'

type Deps = Parameters<typeof declareRoutes>[1]

/** What order-service promises, of a shop that sells in euros. */
export const contract: ServiceContract = {
  ...service,
  document: () => documentOf(service, (api) => declareRoutes(api, { inputs: createInputs('EUR') } as Deps)),
  publishes: [...productEvents, ...orderEvents],
  consumes: [...mediaGoneEvents, ...customerEvents],
}
