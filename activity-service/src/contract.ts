import { activityEvents } from '@clientele/contracts/activity'
import { examples } from '@clientele/contracts/examples'
import { webhookEvents } from '@clientele/contracts/webhook'
import { documentOf, type ServiceContract } from '@clientele/platform/service/contract'
import { declareRoutes, service } from './app.ts'
import { recordedEvents } from './consumers/events.consumer.ts'

type Deps = Parameters<typeof declareRoutes>[1]

/** The contract of activity-service. */
export const contract: ServiceContract = {
  ...service,
  document: () => documentOf({ ...service, examples }, (api) => declareRoutes(api, {} as Deps)),
  publishes: [...activityEvents, ...webhookEvents],
  consumes: recordedEvents,
}
