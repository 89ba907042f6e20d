import { activityEvents } from '@clientele/contracts/activity'
import { examples } from '@clientele/contracts/examples'
import { documentOf, type ServiceContract } from '@clientele/platform/service/contract'
import { declareRoutes, service } from './app.ts'
import { recordedEvents } from './consumers/events.consumer.ts'

/** The contract of activity-service. */
export const contract: ServiceContract = {
  ...service,
  document: () => documentOf({ ...service, examples }, declareRoutes),
  publishes: activityEvents,
  consumes: recordedEvents,
}
