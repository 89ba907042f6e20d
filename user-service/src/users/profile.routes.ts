import { DuplicateBody } from '@clientele/contracts/problem'
import { ProfilePatch, User } from '@clientele/contracts/user'
import { type Api, noContent, ok } from '@clientele/platform/http/api'
import type { ProfileService } from './profile.service.ts'

const tag = 'Own profile'
const path = '/v1/users/me'
const roles = ['user'] as const

/** Routes of everybody's own profile. */
export const profileRoutes = (api: Api, { profile }: { profile: ProfileService }): void => {
  api.operation(
    {
      method: 'get',
      path,
      operationId: 'getMe',
      summary: 'Reads your own profile',
      tag,
      roles,
      responses: { 200: User, 404: null },
    },
    async ({ actor }) => ok(await profile.get(actor)),
  )

  api.operation(
    {
      method: 'patch',
      path,
      operationId: 'updateMe',
      summary: 'Changes your own profile',
      description: 'A new e-mail address counts as not verified, and Keycloak mails a link to it.',
      tag,
      roles,
      body: ProfilePatch,
      responses: { 200: User, 404: null, 409: DuplicateBody },
    },
    async ({ body, actor, ifMatch }) => ok(await profile.update(body, actor, ifMatch)),
  )

  api.operation(
    {
      method: 'delete',
      path,
      operationId: 'deleteMe',
      summary: 'Deletes your own account',
      tag,
      roles,
      responses: { 204: null, 404: null },
    },
    async ({ actor, ifMatch }) => {
      await profile.remove(actor, ifMatch)
      return noContent()
    },
  )
}
