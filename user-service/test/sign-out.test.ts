import { requestToken } from '@clientele/platform/testing/realm'
import { createSignedInUser, signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { startUsers, type UsersService } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const otherClient = 'test-client'
/** A user with a session of another client than `clientele-login`. */
const createUser = () => createSignedInUser(['user'], users.realm.name)
const refresh = (token: string) =>
  requestToken(users.realm.name, { grant_type: 'refresh_token', client_id: otherClient, refresh_token: token })
const signOut = (refreshToken: string) => users.anonymous().post('/v1/auth/logout', { refreshToken })
const parts = (token: string): [string, string, string] => token.split('.') as [string, string, string]

describe('POST /v1/auth/logout', () => {
  it('ends the session of a refresh token that another client got, and publishes user.signed_out.v1', async () => {
    const user = await createUser()
    expect((await users.as(user.token).get('/v1/users/me')).status).toBe(200)
    expect(await signOut(user.refreshToken)).toMatchObject({ status: 204 })
    await users.events.next('user.signed_out.v1', user.id, 5_000)
    await expect(refresh(user.refreshToken)).rejects.toThrow('invalid_grant')
    // The event of the first sign-out may be handled at the same time, which a busy database refuses for a moment.
    await eventually(async () => expect(await signOut(user.refreshToken)).toMatchObject({ status: 204 }))
  }, 30_000)

  it('refuses what is not a valid refresh token, and ends nothing', async () => {
    const user = await createUser()
    const [head, claims, signature] = parts(user.refreshToken)
    const forged = { ...JSON.parse(Buffer.from(claims, 'base64url').toString()), sub: 'somebody-else' }
    const tokens = [
      'garbage',
      user.token,
      user.idToken,
      `${head}.${Buffer.from(JSON.stringify(forged)).toString('base64url')}.${signature}`,
      `${head}.${claims}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`,
    ]
    for (const token of tokens)
      expect(await signOut(token)).toMatchObject({ status: 401, body: { code: 'invalid_token' } })
    await expect(refresh(user.refreshToken)).resolves.toHaveProperty('access_token')
  }, 30_000)

  it('ends an offline session, too', async () => {
    const user = await createUser()
    const role = 'offline_access'
    await users.realm.grant(user.id, role)
    await signOut(user.refreshToken)
    const offline = await requestToken(users.realm.name, {
      grant_type: 'password',
      client_id: otherClient,
      scope: 'openid offline_access',
      username: user.username,
      password: user.password,
    })
    expect(await signOut(offline.refresh_token ?? '')).toMatchObject({ status: 204 })
    await expect(refresh(offline.refresh_token ?? '')).rejects.toThrow('invalid_grant')
    await expect(signIn(user.username, user.password, otherClient, users.realm.name)).resolves.toHaveProperty('token')
  }, 30_000)
})
