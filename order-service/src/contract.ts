import { customerEvents } from '@clientele/contracts/customer'
import { examples } from '@clientele/contracts/examples'
import { importFinished } from '@clientele/contracts/imports/import'
import { orderEvents } from '@clientele/contracts/order'
import { productEvents } from '@clientele/contracts/product'
import { userEvents } from '@clientele/contracts/user'
import { createImportUploads } from '@clientele/features/imports/import.uploads'
import { documentOf, type ServiceContract } from '@clientele/platform/service/contract'
import { declareRoutes, service } from './app.ts'
import { mediaRemovedEvents } from './consumers/media-removed.consumer.ts'
import { createProductInputs } from './products/product.input.ts'

type Deps = Parameters<typeof declareRoutes>[1]

/** The contract of order-service, for a shop with EUR as its currency. */
export const contract: ServiceContract = {
  ...service,
  document: () => {
    const uploads = createImportUploads({
      config: { importMaxBytes: 0, importMaxUploads: 0 },
    } as Parameters<typeof createImportUploads>[0])
    return documentOf({ ...service, examples }, (api) =>
      declareRoutes(api, { inputs: createProductInputs('EUR'), uploads } as Deps),
    )
  },
  publishes: [...productEvents, ...orderEvents, importFinished],
  consumes: [...mediaRemovedEvents, ...customerEvents, ...userEvents],
}
