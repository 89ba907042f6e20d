import { examples } from '@clientele/contracts/examples'
import { mediaEvents, mediaStored } from '@clientele/contracts/media'
import { userEvents } from '@clientele/contracts/user'
import { documentOf, type ServiceContract } from '@clientele/platform/service/contract'
import { service } from './app.ts'
import { usageEvents } from './consumers/usage-changed.consumer.ts'
import { type MediaRouteDeps, mediaRoutes } from './media/media.routes.ts'

/** The API and the events of media-service. */
export const contract: ServiceContract = {
  ...service,
  document: () => documentOf({ ...service, examples }, (api) => mediaRoutes(api, {} as MediaRouteDeps)),
  publishes: mediaEvents,
  consumes: [...usageEvents, mediaStored, ...userEvents],
}
