import { page } from '@clientele/contracts/page'
import { DuplicateBody } from '@clientele/contracts/problem'
import { NewUser, Role, User, UserPatch, UserReplacement } from '@clientele/contracts/user'
import type { Db } from '@clientele/platform/data/db'
import { type Api, accepted, created, noContent, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import { userList } from './user.list.ts'
import { presentUser } from './user.presenter.ts'
import type { UserService } from './user.service.ts'

const tag = 'Users'
const roles = ['admin'] as const
const id = z.string().regex(/^[\w:.-]{1,100}$/, 'must be the id of a user')
export const userParams = z.object({ id })
const params = userParams
const roleParams = z.object({ id, role: Role })

export const userRoutes = (api: Api, { db, service }: { db: Db; service: UserService }): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/users',
      operationId: 'listUsers',
      summary: 'List users, newest first',
      tag,
      roles,
      query: userList.query,
      responses: { 200: page(User) },
    },
    async ({ query, actor }) => {
      const { rows, page: info } = await userList.run(db, query, { actor })
      return ok({ data: rows.map(presentUser), page: info })
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/users',
      operationId: 'createUser',
      summary: 'Create a user',
      description:
        'Without `roles`, the user gets the role `user`. The account can be used when it has its roles. With `sendInvite`, Keycloak mails a link to set a password. If the mail cannot be sent, the response is 503 with `userId`, because the user has been created.',
      tag,
      roles,
      recentSignIn: ['roles'],
      body: NewUser,
      responses: { 201: User, 409: DuplicateBody },
    },
    async ({ body, actor }) => {
      const user = await service.create(body, actor)
      return created(user, `/v1/users/${user.id}`)
    },
  )

  api.operation(
    {
      method: 'get',
      path: '/v1/users/{id}',
      operationId: 'getUser',
      summary: 'Get a user',
      tag,
      roles,
      params,
      responses: { 200: User },
    },
    async ({ params: { id } }) => ok(await service.get(id)),
  )

  api.operation(
    {
      method: 'patch',
      path: '/v1/users/{id}',
      operationId: 'updateUser',
      summary: 'Update a user',
      description:
        'The body is a JSON Merge Patch (RFC 7396): null removes a name. `enabled: false` and a new `password` also end all sessions of the user, those of the admin too who changes their own password. A new e-mail address takes effect at once, but is not verified, and the user can reset the password by mail only after it is. The former address gets a mail with a link that restores it within 7 days. An attribute that the realm requires and the user lacks is a 422 with the pointer `/attributes/<name>`; `enabled: false` alone works all the same. Read-only fields may be sent as they were read.',
      tag,
      roles,
      recentSignIn: ['email', 'password', 'roles'],
      params,
      current: ({ params: { id } }) => service.get(id),
      body: UserPatch,
      responses: { 200: User, 409: DuplicateBody },
    },
    async ({ params: { id }, body, actor, ifMatch }) => ok(await service.update(id, body, actor, ifMatch)),
  )

  api.operation(
    {
      method: 'put',
      path: '/v1/users/{id}',
      operationId: 'replaceUser',
      summary: 'Replace a user',
      description: 'Absent names are removed. Read-only fields may be sent as they were read.',
      tag,
      roles,
      recentSignIn: true,
      params,
      current: ({ params: { id } }) => service.get(id),
      body: UserReplacement,
      responses: { 200: User, 409: DuplicateBody },
    },
    async ({ params: { id }, body, actor, ifMatch }) =>
      ok(await service.update(id, { name: null, surname: null, ...body }, actor, ifMatch)),
  )

  api.operation(
    {
      method: 'delete',
      path: '/v1/users/{id}',
      operationId: 'deleteUser',
      summary: 'Delete a user',
      tag,
      roles,
      params,
      responses: { 204: null },
    },
    async ({ params: { id }, actor, ifMatch }) => {
      await service.delete(id, actor, ifMatch)
      return noContent()
    },
  )

  api.operation(
    {
      method: 'put',
      path: '/v1/users/{id}/roles/{role}',
      operationId: 'grantRole',
      summary: 'Grant a role to a user',
      description: 'The role `admin` includes `user`.',
      tag,
      roles,
      recentSignIn: true,
      params: roleParams,
      responses: { 204: null },
    },
    async ({ params: { id, role }, actor, ifMatch }) => {
      await service.grantRole(id, role, actor, ifMatch)
      return noContent()
    },
  )

  api.operation(
    {
      method: 'delete',
      path: '/v1/users/{id}/roles/{role}',
      operationId: 'revokeRole',
      summary: 'Revoke a role from a user',
      description: 'Access tokens that were issued before are refused from now on.',
      tag,
      roles,
      recentSignIn: true,
      params: roleParams,
      responses: { 204: null },
    },
    async ({ params: { id, role }, actor, ifMatch }) => {
      await service.revokeRole(id, role, actor, ifMatch)
      return noContent()
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/users/{id}/password-reset',
      operationId: 'mailPasswordReset',
      summary: 'Mail a password reset link to a user',
      description:
        'Keycloak mails a link to set a new password, which works for 12 hours, whether the address is verified or not. A new password ends all other sessions of the user within 5 s.',
      tag,
      roles,
      params,
      responses: { 202: null, 409: null },
    },
    async ({ params: { id } }) => {
      await service.mailPasswordReset(id)
      return accepted(undefined)
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/users/{id}/logout',
      operationId: 'signOutUser',
      summary: 'Sign out a user',
      description: 'Ends all sessions of the user. Access tokens that were issued before are refused from now on.',
      tag,
      roles,
      params,
      responses: { 204: null },
    },
    async ({ params: { id }, actor }) => {
      await service.signOut(id, actor)
      return noContent()
    },
  )
}
