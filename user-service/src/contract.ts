import { userEvents } from '@clientele/contracts/user'
import { documentOf, type ServiceContract } from '@clientele/platform/service/contract'
import { declareRoutes, type RouteDeps } from './routes.ts'

export const service = 'user-service'
export const title = 'Clientele users'

export const contract: ServiceContract = {
  service,
  title,
  document: () => documentOf({ service, title }, (api) => declareRoutes(api, {} as RouteDeps)),
  publishes: userEvents,
  consumes: [],
}
