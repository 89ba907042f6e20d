import { customerEvents } from '@clientele/contracts/customer'
import { examples } from '@clientele/contracts/examples'
import { notificationEvents } from '@clientele/contracts/notification'
import { documentOf, type ServiceContract } from '@clientele/platform/service/contract'
import { declareRoutes, service } from './app.ts'
import { notifiedOrderEvents } from './consumers/orders.consumer.ts'

type Deps = Parameters<typeof declareRoutes>[1]

/** The contract of notification-service. */
export const contract: ServiceContract = {
  ...service,
  document: () => documentOf({ ...service, examples }, (api) => declareRoutes(api, {} as Deps)),
  publishes: notificationEvents,
  consumes: [...customerEvents, ...notifiedOrderEvents],
}
