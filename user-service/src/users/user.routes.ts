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
const params = z.object({ id })
const roleParams = z.object({ id, role: Role })

export const userRoutes = (api: Api, { db, service }: { db: Db; service: UserService }): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/users',
      operationId: 'listUsers',
      summary: 'Lists users',
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
      summary: 'Creates a user',
      description:
        'Without `roles` the user gets the realm’s default role. With `sendInvite` Keycloak mails a link to set a password; when the mail cannot be sent the answer is 503 with `userId`, and the user exists.',
      tag,
      roles,
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
      summary: 'Reads a user',
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
      summary: 'Changes fields of a user',
      description: '`enabled: false` also ends the user’s sessions. A new e-mail address counts as not verified.',
      tag,
      roles,
      params,
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
      summary: 'Replaces a user',
      tag,
      roles,
      params,
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
      summary: 'Deletes a user',
      tag,
      roles,
      params,
      responses: { 204: null },
    },
    async ({ params: { id }, actor, ifMatch }) => {
      await service.remove(id, actor, ifMatch)
      return noContent()
    },
  )

  api.operation(
    {
      method: 'put',
      path: '/v1/users/{id}/roles/{role}',
      operationId: 'grantRole',
      summary: 'Gives a user a role',
      tag,
      roles,
      params: roleParams,
      responses: { 204: null },
    },
    async ({ params: { id, role }, actor, ifMatch }) => {
      await service.grant(id, role, actor, ifMatch)
      return noContent()
    },
  )

  api.operation(
    {
      method: 'delete',
      path: '/v1/users/{id}/roles/{role}',
      operationId: 'revokeRole',
      summary: 'Takes a role from a user',
      tag,
      roles,
      params: roleParams,
      responses: { 204: null },
    },
    async ({ params: { id, role }, actor, ifMatch }) => {
      await service.revoke(id, role, actor, ifMatch)
      return noContent()
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/users/{id}/password-reset',
      operationId: 'mailPasswordReset',
      summary: 'Has Keycloak mail a user a link to set a new password',
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
      summary: 'Ends all sessions of a user',
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
