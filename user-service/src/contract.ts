import { examples } from '@clientele/contracts/examples'
import { userEvents } from '@clientele/contracts/user'
import { documentOf, type ServiceContract } from '@clientele/platform/service/contract'
import { declareRoutes, type RouteDeps } from './routes.ts'

export const service = 'user-service'
export const title = 'Users'

export const contract: ServiceContract = {
  service,
  title,
  document: () => documentOf({ service, title, examples }, (api) => declareRoutes(api, {} as RouteDeps)),
  publishes: userEvents,
  consumes: [],
}
