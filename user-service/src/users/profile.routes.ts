import { DuplicateBody } from '@clientele/contracts/problem'
import { Profile, ProfilePatch } from '@clientele/contracts/user'
import { type Api, noContent, ok } from '@clientele/platform/http/api'
import type { ProfileService } from './profile.service.ts'

const tag = 'Own profile'
const path = '/v1/users/me'
const roles = ['user'] as const

/** Routes of the signed-in user's own profile. */
export const profileRoutes = (api: Api, { profile }: { profile: ProfileService }): void => {
  api.operation(
    {
      method: 'get',
      path,
      operationId: 'getMe',
      summary: 'Get your own profile',
      tag,
      roles,
      responses: { 200: Profile, 404: null },
    },
    async ({ actor }) => ok(await profile.get(actor)),
  )

  api.operation(
    {
      method: 'patch',
      path,
      operationId: 'updateMe',
      summary: 'Update your own profile',
      description:
        'The body is a JSON Merge Patch (RFC 7396): null removes a name. A new `email` is only proposed, as `pendingEmail`: it takes effect, verified, when the user follows the link that is mailed to it, within 24 hours. Send the present address to withdraw it. When a new address takes effect, the former one gets a mail with a link that restores it within 7 days. Without a mail server (422 `unavailable`), an admin has to change the address. Read-only fields may be sent as they were read.',
      tag,
      roles,
      recentSignIn: ['email'],
      current: ({ actor }) => profile.get(actor),
      body: ProfilePatch,
      responses: { 200: Profile, 404: null, 409: DuplicateBody },
    },
    async ({ body, actor, ifMatch }) => ok(await profile.update(body, actor, ifMatch)),
  )

  api.operation(
    {
      method: 'delete',
      path,
      operationId: 'deleteMe',
      summary: 'Delete your own account',
      tag,
      roles,
      recentSignIn: true,
      responses: { 204: null, 404: null },
    },
    async ({ actor, ifMatch }) => {
      await profile.delete(actor, ifMatch)
      return noContent()
    },
  )
}
