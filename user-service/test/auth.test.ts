import { createLog } from '@clientele/platform/runtime/log'
import { client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'
import { refuseDefaultPasswords } from '../src/default-password.ts'
import { createOidc } from '../src/keycloak/oidc.ts'
import { startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const password = 'correct horse'
const signOuts = (id: string) =>
  users.tap.all().filter(({ subject, type }) => subject === id && type === 'user.signed_out.v1')
const createUser = async () => {
  const username = unique('lou')
  return (await users.admin().post('/v1/users', { username, email: `${username}@example.com`, password })).body
}
const login = (username: string, secret: string = password) =>
  users.anonymous().post('/v1/auth/login', { username, password: secret })

describe('sign-in by password (S0-07, S2-01, S2-15, S4-07, X9, X11)', () => {
  it('POST /v1/auth/login gives an access token that works and a refresh token', async () => {
    const { id, username, email } = await createUser()
    const { status, body } = await login(username)
    expect(status).toBe(200)
    expect(body).toEqual({
      accessToken: expect.any(String),
      refreshToken: expect.any(String),
      expiresIn: expect.any(Number),
      refreshExpiresIn: expect.any(Number),
      tokenType: 'Bearer',
    })
    // Keycloak counts from the second in which the session began.
    expect(body.expiresIn).toBeGreaterThan(290)
    expect(body.expiresIn).toBeLessThanOrEqual(300)
    expect((await users.as(body.accessToken).get('/v1/users/me')).body.id).toBe(id)
    expect(await login(email)).toMatchObject({ status: 200 })
  })

  it('a wrong password, an unknown user and a disabled one get the same 401', async () => {
    const [known, disabled] = [await createUser(), await createUser()]
    await users.admin().patch(`/v1/users/${disabled.id}`, { enabled: false })
    const answers = [
      await login(known.username, 'wrong horse'),
      await login(unique('nobody')),
      await login(disabled.username),
    ]
    for (const { status, body } of answers) {
      expect({ status, code: body.code }).toEqual({ status: 401, code: 'invalid_credentials' })
      expect({ title: body.title, detail: body.detail, errors: body.errors }).toEqual({
        title: answers[0]?.body.title,
        detail: undefined,
        errors: undefined,
      })
    }
  })

  it('after five failures the name is locked, whether it exists or not, and a success starts the count anew', async () => {
    const { id, username } = await createUser()
    // Keycloak counts as well, and takes failures in quick succession ill.
    const forgive = () => users.realm.call('DELETE', `/attack-detection/brute-force/users/${id}`)
    const failures = async (name: string, times: number) => {
      const seen: number[] = []
      for (let time = 0; time < times; time += 1) {
        seen.push((await login(name, `wrong ${time}`)).status)
        // So do we; here the count is looked at.
        await users.db.query(`update sign_in_failures set last_at = last_at - interval '2 seconds'`)
      }
      return seen
    }
    expect(await failures(username, 4)).toEqual([401, 401, 401, 401])
    await forgive()
    expect(await login(username)).toMatchObject({ status: 200 })
    for (const name of [username, unique('nobody')]) {
      expect(await failures(name, 5)).toEqual([401, 401, 401, 401, 401])
      const { status, headers, body } = await login(name)
      expect({ status, code: body.code }).toEqual({ status: 429, code: 'locked' })
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(50)
    }
    await users.db.query(`update sign_in_failures set locked_until = now()`)
    await forgive()
    expect(await login(username)).toMatchObject({ status: 200 })
  }, 60_000)

  it('names are kept only as a keyed hash', async () => {
    const name = unique('secret-name')
    await login(name)
    const rows = await users.db.query<{ name_hash: string }>('select name_hash from sign_in_failures')
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows)).not.toContain(name)
  })

  it.each([
    [{}],
    [{ username: 'a' }],
    [{ username: 'a', password: '' }],
    [{ username: 'a', password: 'b', grant_type: 'client_credentials' }],
  ])('POST /v1/auth/login refuses %j with 422', async (body) => {
    expect(await users.anonymous().post('/v1/auth/login', body)).toMatchObject({ status: 422 })
  })
})

describe('sessions', () => {
  it('POST /v1/auth/refresh gives new tokens once for each refresh token (S4-24)', async () => {
    const { username } = await createUser()
    const { refreshToken } = (await login(username)).body
    const { status, body } = await users.anonymous().post('/v1/auth/refresh', { refreshToken })
    expect(status).toBe(200)
    expect(body.refreshToken).not.toBe(refreshToken)
    expect(await users.anonymous().post('/v1/auth/refresh', { refreshToken })).toMatchObject({
      status: 401,
      body: { code: 'invalid_token' },
    })
    const garbage = await users.anonymous().post('/v1/auth/refresh', { refreshToken: 'garbage' })
    expect(garbage).toMatchObject({ status: 401, body: { code: 'invalid_token' } })
    expect(garbage.headers.get('www-authenticate')).toMatch(/^Bearer /)
  })

  it('POST /v1/auth/logout ends the session, publishes user.signed_out.v1 once, and can be repeated', async () => {
    const { id, username } = await createUser()
    const { refreshToken } = (await login(username)).body
    expect(await users.anonymous().post('/v1/auth/logout', { refreshToken })).toMatchObject({ status: 204 })
    await users.tap.next('user.signed_out.v1', id, 5_000)
    expect(await users.anonymous().post('/v1/auth/refresh', { refreshToken })).toMatchObject({ status: 401 })
    expect(await users.anonymous().post('/v1/auth/logout', { refreshToken })).toMatchObject({ status: 204 })
    expect(await users.anonymous().post('/v1/auth/logout', { refreshToken: 'garbage' })).toMatchObject({ status: 204 })
    expect(signOuts(id)).toHaveLength(1)
  })

  it('POST /v1/auth/logout of a session that was noticed before is not published again by Keycloak’s own event', async () => {
    const { id, username } = await createUser()
    const { refreshToken } = (await login(username)).body
    const sessions = () => users.db.query('select 1 from sign_ins where user_id = $1', [id])
    await eventually(async () => expect(await sessions()).toHaveLength(1))
    await users.anonymous().post('/v1/auth/logout', { refreshToken })
    expect(await sessions()).toEqual([])
    await users.tap.next('user.signed_out.v1', id)
    // A later sign-in that has been noticed tells that the journal was read beyond the sign-out.
    await login(username)
    await eventually(async () => expect(await sessions()).toHaveLength(1))
    expect(signOuts(id)).toHaveLength(1)
  })

  it('a refresh token of somebody disabled is refused', async () => {
    const { id, username } = await createUser()
    const { refreshToken } = (await login(username)).body
    await users.admin().patch(`/v1/users/${id}`, { enabled: false })
    expect(await users.anonymous().post('/v1/auth/refresh', { refreshToken })).toMatchObject({ status: 401 })
  })
})

describe('settings', () => {
  it('GET /v1/auth/config tells how to sign in, without a token', async () => {
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

  it('sign-in by password can be off, and Keycloak away is a 503 with Retry-After', async () => {
    const off = await users.another({ passwordLoginEnabled: false })
    const cut = await users.another({ keycloakUrl: 'http://127.0.0.1:1' })
    try {
      for (const [path, body] of [
        ['login', { username: 'a', password: 'b' }],
        ['refresh', { refreshToken: 'a' }],
        ['logout', { refreshToken: 'a' }],
      ] as const)
        expect(await client(off.url).post(`/v1/auth/${path}`, body)).toMatchObject({ status: 404 })
      const away = await client(cut.url).post('/v1/auth/login', { username: 'a', password: 'b' })
      expect(away).toMatchObject({ status: 503, body: { code: 'unavailable' } })
      expect(away.headers.get('retry-after')).toBe('5')
      const signUp = await client(cut.url).post('/v1/auth/signup', { email: 'a@example.com', password })
      expect(signUp).toMatchObject({ status: 503 })
    } finally {
      await Promise.all([off.stop(), cut.stop()])
    }
  }, 60_000)
})

describe('published passwords (S2-03, X10)', () => {
  const check = (profile: string) =>
    refuseDefaultPasswords({
      db: users.db,
      oidc: createOidc(users.config),
      profile,
      log: createLog({ name: 'test', level: 'silent' }),
    })

  it('a production start with admin/12345 is refused by name, and goes through when it is changed', async () => {
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
