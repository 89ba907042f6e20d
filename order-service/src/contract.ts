import { customerEvents } from '@clientele/contracts/customer'
import { importFinished } from '@clientele/contracts/import'
import { orderEvents } from '@clientele/contracts/order'
import { productEvents } from '@clientele/contracts/product'
import { importUploads } from '@clientele/features/imports/import.uploads'
import { documentOf, type ServiceContract } from '@clientele/platform/service/contract'
import { declareRoutes, service } from './app.ts'
import { mediaGoneEvents } from './consumers/media-gone.consumer.ts'
import { createInputs } from './products/product.input.ts'

type Deps = Parameters<typeof declareRoutes>[1]

/** What order-service promises, of a shop that sells in euros. */
export const contract: ServiceContract = {
  ...service,
  document: () => {
    const files = {} as Parameters<typeof importUploads>[0]['files']
    const uploads = importUploads({ files, config: { importMaxBytes: 0, importMaxUploads: 0 } })
    return documentOf(service, (api) => declareRoutes(api, { inputs: createInputs('EUR'), uploads } as Deps))
  },
  publishes: [...productEvents, ...orderEvents, importFinished],
  consumes: [...mediaGoneEvents, ...customerEvents],
}
