import type { Api } from '@clientele/platform/http/api'
import { lockRoutes } from './accounts/lock.routes.ts'
import { authRoutes } from './auth/auth.routes.ts'
import { peopleRoutes } from './people/people.routes.ts'
import { sessionRoutes } from './sessions/session.routes.ts'
import { profileRoutes } from './users/profile.routes.ts'
import { userRoutes } from './users/user.routes.ts'

export type RouteDeps = Parameters<typeof authRoutes>[1] &
  Parameters<typeof profileRoutes>[1] &
  Parameters<typeof lockRoutes>[1] &
  Parameters<typeof sessionRoutes>[1] &
  Parameters<typeof userRoutes>[1]

/** Every route of the service. */
export const declareRoutes = (api: Api, deps: RouteDeps): void => {
  authRoutes(api, deps)
  profileRoutes(api, deps)
  sessionRoutes(api, deps)
  userRoutes(api, deps)
  lockRoutes(api, deps)
  peopleRoutes(api, deps)
}
