import { mediaEvents, mediaStored } from '@clientele/contracts/media'
import { documentOf, type ServiceContract } from '@clientele/platform/service/contract'
import { service } from './app.ts'
import { usageEvents } from './consumers/usage-changed.consumer.ts'
import { type MediaRoutes, mediaRoutes } from './media/media.routes.ts'

/** What this service promises to others. */
export const contract: ServiceContract = {
  ...service,
  document: () => documentOf(service, (api) => mediaRoutes(api, {} as MediaRoutes)),
  publishes: mediaEvents,
  consumes: [...usageEvents, mediaStored],
}
