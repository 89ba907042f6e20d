import { requestToken } from '@clientele/platform/testing/realm'
import { eventually } from '@clientele/platform/testing/wait'
import type { UsersService } from './users-service.ts'

const clientId = 'test-client'
const issuedAt = (token: string): number =>
  (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { iat: number }).iat

/** Signs a user in twice, the second time with an offline token. */
export const startOldSessions = async (users: UsersService, id: string, username: string, password: string) => {
  const realm = users.realm.name
  // Keycloak may reject a sign-in that follows the user's previous one too quickly.
  const start = (scope: string) =>
    eventually(() => requestToken(realm, { grant_type: 'password', client_id: clientId, scope, username, password }), {
      timeoutMs: 5_000,
      everyMs: 700,
    })
  const sessions = [await start('openid'), await start('openid offline_access')]
  const refresh = (refreshToken = '') =>
    requestToken(realm, { grant_type: 'refresh_token', client_id: clientId, refresh_token: refreshToken })
  return {
    /** Waits at most 5 s until no session can be refreshed and the access tokens are revoked. */
    expectEnded: async (): Promise<void> => {
      await users.events.next('user.signed_out.v1', id, 5_000)
      for (const session of sessions) await expect(refresh(session.refresh_token)).rejects.toThrow('invalid_grant')
      const { body } = await users.internal().get('/revocations')
      const row = body.data.find(({ userId }: { userId: string }) => userId === id)
      for (const session of sessions)
        expect(Math.floor(Date.parse(row?.notBefore) / 1000)).toBeGreaterThanOrEqual(issuedAt(session.access_token))
    },
    /** Refreshes the sessions. */
    expectRefreshable: async (): Promise<void> => {
      for (const session of sessions) {
        const next = await refresh(session.refresh_token)
        Object.assign(session, next)
      }
    },
  }
}
