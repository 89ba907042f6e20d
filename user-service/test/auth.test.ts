import { createLog } from '@clientele/platform/runtime/log'
import { client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'
import { refuseDefaultPasswords } from '../src/default-password.ts'
import { createOidc } from '../src/keycloak/oidc.ts'
import { password, startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const signOuts = (id: string) =>
  users.events.all().filter(({ subject, type }) => subject === id && type === 'user.signed_out.v1')
const login = (username: string, secret: string = password) =>
  users.anonymous().post('/v1/auth/login', { username, password: secret })

describe('Password sign-in', () => {
  it('POST /v1/auth/login returns a valid access token and a refresh token', async () => {
    const { id, username, email } = await users.createUser()
    const { status, body } = await login(username)
    expect(status).toBe(200)
    expect(body).toEqual({
      accessToken: expect.any(String),
      refreshToken: expect.any(String),
      expiresIn: expect.any(Number),
      refreshExpiresIn: expect.any(Number),
      tokenType: 'Bearer',
      deviceToken: expect.any(String),
    })
    // Keycloak counts the lifespan from the start of the session, in whole seconds.
    expect(body.expiresIn).toBeGreaterThan(290)
    expect(body.expiresIn).toBeLessThanOrEqual(300)
    expect((await users.as(body.accessToken).get('/v1/users/me')).body.id).toBe(id)
    expect(await login(email)).toMatchObject({ status: 200 })
  })

  it('a wrong password, an unknown user and a disabled user get the same 401', async () => {
    const [known, disabled] = [await users.createUser(), await users.createUser()]
    await users.admin().patch(`/v1/users/${disabled.id}`, { enabled: false })
    const responses = [
      await login(known.username, 'wrong horse'),
      await login(unique('nobody')),
      await login(disabled.username),
    ]
    for (const { status, body } of responses) {
      expect({ status, code: body.code }).toEqual({ status: 401, code: 'invalid_credentials' })
      expect({ title: body.title, detail: body.detail, errors: body.errors }).toEqual({
        title: responses[0]?.body.title,
        detail: undefined,
        errors: undefined,
      })
    }
  })

  it.each([
    [{}],
    [{ username: 'a' }],
    [{ username: 'a', password: '' }],
    [{ username: 'a', password: 'b', grant_type: 'client_credentials' }],
  ])('POST /v1/auth/login returns 422 for the body %j', async (body) => {
    expect(await users.anonymous().post('/v1/auth/login', body)).toMatchObject({ status: 422 })
  })
})

describe('Sessions', () => {
  it('POST /v1/auth/refresh returns new tokens once for each refresh token', async () => {
    const { username } = await users.createUser()
    const { refreshToken } = (await login(username)).body
    const { status, body } = await users.anonymous().post('/v1/auth/refresh', { refreshToken })
    expect(status).toBe(200)
    expect(body.refreshToken).not.toBe(refreshToken)
    const garbage = await users.anonymous().post('/v1/auth/refresh', { refreshToken: 'garbage' })
    expect(garbage).toMatchObject({ status: 401, body: { code: 'invalid_token' } })
    expect(garbage.headers.get('www-authenticate')).toMatch(/^Bearer /)
  })

  it('POST /v1/auth/logout ends the session, publishes user.signed_out.v1 once, and can be repeated', async () => {
    const { id, username } = await users.createUser()
    const { refreshToken } = (await login(username)).body
    expect(await users.anonymous().post('/v1/auth/logout', { refreshToken })).toMatchObject({ status: 204 })
    await users.events.next('user.signed_out.v1', id, 5_000)
    expect(await users.anonymous().post('/v1/auth/refresh', { refreshToken })).toMatchObject({ status: 401 })
    expect(await users.anonymous().post('/v1/auth/logout', { refreshToken })).toMatchObject({ status: 204 })
    expect(signOuts(id)).toHaveLength(1)
  })

  it('POST /v1/auth/logout of a session whose sign-in is stored publishes user.signed_out.v1 once', async () => {
    const { id, username } = await users.createUser()
    const { refreshToken } = (await login(username)).body
    const sessions = () => users.db.query('select 1 from sign_ins where user_id = $1', [id])
    await eventually(async () => expect(await sessions()).toHaveLength(1))
    await users.anonymous().post('/v1/auth/logout', { refreshToken })
    expect(await sessions()).toEqual([])
    await users.events.next('user.signed_out.v1', id)
    // When a later sign-in is stored, the poller has read the user log beyond the sign-out.
    await login(username)
    await eventually(async () => expect(await sessions()).toHaveLength(1))
    expect(signOuts(id)).toHaveLength(1)
  })

  it('a refresh token of a disabled user is refused', async () => {
    const { id, username } = await users.createUser()
    const { refreshToken } = (await login(username)).body
    await users.admin().patch(`/v1/users/${id}`, { enabled: false })
    expect(await users.anonymous().post('/v1/auth/refresh', { refreshToken })).toMatchObject({ status: 401 })
  })
})

describe('Sign-in settings', () => {
  it('GET /v1/auth/config returns the sign-in settings without a token', async () => {
    const { status, body } = await users.anonymous().get('/v1/auth/config')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      issuer: users.config.keycloakIssuer,
      clientId: 'clientele-console',
      signup: true,
      passwordLogin: true,
      passwordReset: true,
    })
    const { body: discovery } = await client(body.issuer).get('/.well-known/openid-configuration')
    expect(body).toMatchObject({
      authorizationEndpoint: discovery.authorization_endpoint,
      tokenEndpoint: discovery.token_endpoint,
      logoutEndpoint: discovery.end_session_endpoint,
    })
  })

  it('a disabled password sign-in returns 404, and an unavailable Keycloak 503 with Retry-After', async () => {
    const disabled = await users.startReplica({ passwordLoginEnabled: false })
    const disconnected = await users.startReplica({ keycloakUrl: 'http://127.0.0.1:1' })
    try {
      for (const [path, body] of [
        ['login', { username: 'a', password: 'b' }],
        ['refresh', { refreshToken: 'a' }],
        ['logout', { refreshToken: 'a' }],
      ] as const)
        expect(await client(disabled.url).post(`/v1/auth/${path}`, body)).toMatchObject({ status: 404 })
      const unavailable = await client(disconnected.url).post('/v1/auth/login', { username: 'a', password: 'b' })
      expect(unavailable).toMatchObject({ status: 503, body: { code: 'unavailable' } })
      expect(unavailable.headers.get('retry-after')).toBe('5')
      const signUp = await client(disconnected.url).post('/v1/auth/signup', { email: 'a@example.com', password })
      expect(signUp).toMatchObject({ status: 503 })
    } finally {
      await Promise.all([disabled.stop(), disconnected.stop()])
    }
  }, 60_000)
})

describe('Default passwords', () => {
  const check = (profile: string) =>
    refuseDefaultPasswords({
      db: users.db,
      oidc: createOidc(users.config),
      profile,
      log: createLog({ name: 'test', level: 'silent' }),
    })

  it('a production start fails while admin has its published default password, and succeeds once it is changed', async () => {
    await users.realm.call('PUT', '', { passwordPolicy: 'length(3)' })
    const id = await users.realm.createUser({ username: 'admin', email: 'admin@example.com', password: '12345' })
    await expect(check('production')).rejects.toThrow(/"admin" has its published default password/)
    await expect(check('local')).resolves.toBeUndefined()
    await users.realm.call('PUT', `/users/${id}/reset-password`, {
      type: 'password',
      value: 'a good password',
      temporary: false,
    })
    await expect(check('production')).resolves.toBeUndefined()
  })
})
