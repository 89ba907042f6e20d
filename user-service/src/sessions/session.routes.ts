import { UserSessions } from '@clientele/contracts/user'
import { type Api, noContent, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import type { SessionService } from './session.service.ts'

const sessionId = z.string().regex(/^[\w-]{1,100}$/, 'must be the id of a session')
const id = z.string().regex(/^[\w:.-]{1,100}$/, 'must be the id of a user')

const listed = 'Up to 100 sessions, those used last first.'
const ended =
  'Access tokens of the session are refused from now on, and its refresh token is not valid any more. The other sessions go on.'

/** Routes of the sessions of users: their own, and for admins those of others. */
export const sessionRoutes = (api: Api, { sessions }: { sessions: SessionService }): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/users/me/sessions',
      operationId: 'listMySessions',
      summary: 'List your own sessions',
      description: listed,
      tag: 'Own profile',
      roles: ['user'],
      responses: { 200: UserSessions, 404: null },
    },
    async ({ actor }) => ok({ data: await sessions.list(actor.id, actor) }),
  )

  api.operation(
    {
      method: 'delete',
      path: '/v1/users/me/sessions/{sessionId}',
      operationId: 'endMySession',
      summary: 'End one of your own sessions',
      description: ended,
      tag: 'Own profile',
      roles: ['user'],
      params: z.object({ sessionId }),
      responses: { 204: null },
    },
    async ({ params, actor }) => {
      await sessions.end(actor.id, params.sessionId, actor)
      return noContent()
    },
  )

  api.operation(
    {
      method: 'get',
      path: '/v1/users/{id}/sessions',
      operationId: 'listUserSessions',
      summary: 'List the sessions of a user',
      description: listed,
      tag: 'Users',
      roles: ['admin'],
      params: z.object({ id }),
      responses: { 200: UserSessions },
    },
    async ({ params, actor }) => ok({ data: await sessions.list(params.id, actor) }),
  )

  api.operation(
    {
      method: 'delete',
      path: '/v1/users/{id}/sessions/{sessionId}',
      operationId: 'endUserSession',
      summary: 'End a session of a user',
      description: ended,
      tag: 'Users',
      roles: ['admin'],
      params: z.object({ id, sessionId }),
      responses: { 204: null },
    },
    async ({ params, actor }) => {
      await sessions.end(params.id, params.sessionId, actor)
      return noContent()
    },
  )
}
