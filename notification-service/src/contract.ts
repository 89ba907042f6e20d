import { customerEvents } from '@clientele/contracts/customer'
import { notificationEvents } from '@clientele/contracts/notification'
import { documentOf, type ServiceContract } from '@clientele/platform/service/contract'
import { declareRoutes, service } from './app.ts'
import { orderNoticeEvents } from './consumers/orders.consumer.ts'

type Deps = Parameters<typeof declareRoutes>[1]

/** What notification-service promises. */
export const contract: ServiceContract = {
  ...service,
  document: () => documentOf(service, (api) => declareRoutes(api, {} as Deps)),
  publishes: notificationEvents,
  consumes: [...customerEvents, ...orderNoticeEvents],
}
