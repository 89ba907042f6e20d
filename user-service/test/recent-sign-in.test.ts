import { requestToken } from '@clientele/platform/testing/realm'
import { secrets } from './realm.ts'
import { password, startUsers, type UsersService, unique } from './users-service.ts'

const sixMinutesMs = 360_000
const challenge = /^Bearer error="insufficient_user_authentication", .*max_age="300"$/

let users: UsersService
beforeAll(async () => {
  // Tokens that outlive five minutes, so that only the age of the sign-in matters.
  users = await startUsers({}, { accessTokenLifespan: 1_800 })
}, 120_000)
afterAll(() => users?.end(), 60_000)

/** Runs `work` as if it were six minutes later for the service. */
const later = async <T>(work: () => Promise<T>): Promise<T> => {
  const { now } = Date
  Date.now = () => now() + sixMinutesMs
  try {
    return await work()
  } finally {
    Date.now = now
  }
}

const refused = {
  status: 401,
  body: { code: 'reauthentication_required', detail: expect.stringMatching(/sign in again/) },
}

describe('A change of credentials or roles by a user who signed in more than five minutes ago', () => {
  const replacement = { username: 'x-x', email: 'x@example.com', enabled: true, roles: ['user'] }

  it.each([
    ['patch', '', { password: 'another horse' }],
    ['patch', '', { email: 'x@example.com' }],
    ['patch', '', { roles: ['admin'] }],
    ['put', '', replacement],
    ['put', '/roles/admin', undefined],
    ['delete', '/roles/user', undefined],
  ] as const)('%s /v1/users/{id}%s %j returns 401 with the challenge of RFC 9470', async (method, path, body) => {
    const { id } = await users.createUser()
    const admin = users.admin()
    const url = `/v1/users/${id}${path}`
    const response = await later(() => (method === 'delete' ? admin.delete(url) : admin[method](url, body)))
    expect(response).toMatchObject(refused)
    expect(response.headers.get('www-authenticate')).toMatch(challenge)
  })

  it('creating an admin returns 401', async () => {
    const username = unique('rea')
    const body = { username, email: `${username}@example.com`, roles: ['admin'] }
    expect(await later(() => users.admin().post('/v1/users', body))).toMatchObject(refused)
  })

  it('PATCH and DELETE /v1/users/me return 401', async () => {
    expect(await later(() => users.user().patch('/v1/users/me', { email: 'x@example.com' }))).toMatchObject(refused)
    expect(await later(() => users.user().delete('/v1/users/me'))).toMatchObject(refused)
    expect(await users.user().get('/v1/users/me')).toMatchObject({ status: 200 })
  })

  it('other changes are made', async () => {
    const { id } = await users.createUser()
    expect(await later(() => users.admin().patch(`/v1/users/${id}`, { name: 'Rea' }))).toMatchObject({ status: 200 })
    expect(await later(() => users.user().patch('/v1/users/me', { name: 'Rea' }))).toMatchObject({ status: 200 })
  })

  it('refreshed tokens do not count as a new sign-in, and a new sign-in is enough', async () => {
    const { username } = await users.createUser()
    const login = () => users.anonymous().post('/v1/auth/login', { username, password })
    const { refreshToken } = (await login()).body
    const refreshed = (await users.anonymous().post('/v1/auth/refresh', { refreshToken })).body
    expect(await later(() => users.as(refreshed.accessToken).delete('/v1/users/me'))).toMatchObject(refused)
    const again = (await login()).body
    expect(await users.as(again.accessToken).delete('/v1/users/me')).toMatchObject({ status: 204 })
  })
})

it('a token of a session that has ended returns 401', async () => {
  const { username } = await users.createUser()
  const { body } = await users.anonymous().post('/v1/auth/login', { username, password })
  await users.anonymous().post('/v1/auth/logout', { refreshToken: body.refreshToken })
  const response = await users.as(body.accessToken).delete('/v1/users/me')
  expect(response.status).toBe(401)
  // The service may have heard of the sign-out already.
  expect(['reauthentication_required', 'invalid_token']).toContain(response.body.code)
})

it('the token of a service account counts as a sign-in at the time when it was issued', async () => {
  const clientId = unique('machine')
  await users.realm.call('POST', '/clients', {
    clientId,
    secret: secrets.CLIENTELE_LOGIN_SECRET,
    serviceAccountsEnabled: true,
    standardFlowEnabled: false,
    protocolMappers: [
      {
        name: 'audience',
        protocol: 'openid-connect',
        protocolMapper: 'oidc-audience-mapper',
        config: { 'included.custom.audience': 'clientele-api', 'access.token.claim': 'true' },
      },
    ],
  })
  const account = await users.realm.findUser(`service-account-${clientId}`)
  await users.realm.grant(account?.id ?? '', 'admin')
  const machine = await requestToken(users.realm.name, {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: secrets.CLIENTELE_LOGIN_SECRET,
  })
  const { id } = await users.createUser()
  const grant = () => users.as(machine.access_token).put(`/v1/users/${id}/roles/admin`)
  expect(await later(grant)).toMatchObject(refused)
  expect(await grant()).toMatchObject({ status: 204 })
})
