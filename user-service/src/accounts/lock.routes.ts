import { UserLock } from '@clientele/contracts/user'
import { type Api, noContent, ok } from '@clientele/platform/http/api'
import { userParams } from '../users/user.routes.ts'
import type { AccountLocks } from './account-locks.ts'

const tag = 'Users'
const roles = ['admin'] as const

export const lockRoutes = (api: Api, { locks }: { locks: AccountLocks }): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/users/{id}/lock',
      operationId: 'getUserLock',
      summary: 'Get the locks of a user',
      description:
        'Failed sign-ins lock a user for a while: five for the network or device that they came from, thirty for all unknown devices, and a hundred in Keycloak.',
      tag,
      roles,
      params: userParams,
      responses: { 200: UserLock },
    },
    async ({ params: { id } }) => ok(await locks.get(id)),
  )

  api.operation(
    {
      method: 'delete',
      path: '/v1/users/{id}/lock',
      operationId: 'liftUserLock',
      summary: 'Lift the locks of a user',
      description: 'Forgets the failed sign-ins, also those that Keycloak has counted.',
      tag,
      roles,
      params: userParams,
      responses: { 204: null },
    },
    async ({ params: { id } }) => {
      await locks.lift(id)
      return noContent()
    },
  )
}
