import { signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { tablesWithText } from '../../features/test/find-text.ts'
import { startOldSessions } from './old-sessions.ts'
import { startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const newUser = (fields: Record<string, unknown> = {}) => {
  const username = unique('ana')
  return {
    username,
    email: `${username}@example.com`,
    name: 'Ana',
    surname: 'Lovelace',
    password: 'correct horse',
    ...fields,
  }
}
const createUser = async (fields: Record<string, unknown> = {}) =>
  (await users.admin().post('/v1/users', newUser(fields))).body

describe('POST /v1/users', () => {
  it('POST /v1/users creates a user who can sign in, and publishes user.created.v1', async () => {
    const input = newUser()
    const { status, headers, body } = await users.admin().post('/v1/users', input)
    expect(status).toBe(201)
    expect(headers.get('location')).toBe(`/v1/users/${body.id}`)
    expect(body).toMatchObject({
      username: input.username,
      email: input.email,
      displayName: 'Ana Lovelace',
      roles: ['user'],
      enabled: true,
      version: 1,
    })
    expect(body).not.toHaveProperty('password')
    const event = await users.events.next('user.created.v1', body.id)
    expect(event.data).toMatchObject({ username: input.username, version: 1, actor: { id: users.accounts.admin.id } })
    expect(JSON.stringify(event)).not.toContain(input.password)
    await expect(
      users.anonymous().post('/v1/auth/login', { username: input.username, password: input.password }),
    ).resolves.toMatchObject({ status: 200 })
  })

  it('POST /v1/users grants the given roles, and none for an empty list', async () => {
    expect(await createUser({ roles: ['admin'] })).toMatchObject({ roles: ['admin', 'user'] })
    const withoutRoles = await createUser({ roles: [] })
    expect(withoutRoles.roles).toEqual([])
    const { body } = await users.admin().get(`/v1/users/${withoutRoles.id}`)
    expect(body.roles).toEqual([])
    const repeated = await users.admin().patch(`/v1/users/${withoutRoles.id}`, { roles: ['user', 'user'] })
    expect(repeated).toMatchObject({ status: 200, body: { roles: ['user'] } })
  })

  it('POST /v1/users returns 409 with the id of the other user if the username or the e-mail address is taken', async () => {
    const first = await createUser()
    const byName = await users.admin().post('/v1/users', newUser({ username: first.username.toUpperCase() }))
    expect(byName).toMatchObject({
      status: 409,
      body: { code: 'duplicate', conflictingId: first.id, errors: [{ pointer: '/username' }] },
    })
    const byMail = await users.admin().post('/v1/users', newUser({ email: first.email.toUpperCase() }))
    expect(byMail).toMatchObject({
      status: 409,
      body: { code: 'duplicate', conflictingId: first.id, errors: [{ pointer: '/email' }] },
    })
  })

  it('POST /v1/users returns 422 with the password policy for a weak password, and creates no user', async () => {
    const input = newUser({ password: 'short' })
    const { status, body } = await users.admin().post('/v1/users', input)
    expect(status).toBe(422)
    expect(body).toMatchObject({
      code: 'weak_password',
      errors: [{ pointer: '/password', message: 'minimum length 8' }],
    })
    expect(await users.realm.findUser(input.username)).toBeUndefined()
  })

  it.each([
    '<',
    '>',
    '&',
    '"',
    '$',
    '%',
    '!',
    '#',
    '?',
    '§',
    ';',
    '*',
    '~',
    '/',
    '\\',
    '|',
    '^',
    '=',
    '[',
    ']',
    '{',
    '}',
    '(',
    ')',
  ])(
    'POST /v1/users returns 422 that lists the characters which Keycloak refuses in names, for a surname with %s',
    async (character) => {
      const { status, body } = await users.admin().post('/v1/users', newUser({ surname: `Müller ${character} Sohn` }))
      expect([status, body.errors[0].pointer]).toEqual([422, '/surname'])
      expect(body.errors[0].message).toMatch(/^must not have control characters or any of < > /)
      expect(body.errors[0].message).toContain(` ${character}`)
    },
  )

  it('POST /v1/users with a repeated Idempotency-Key creates one user', async () => {
    const input = newUser()
    const key = { 'idempotency-key': unique('key') }
    const first = await users.admin().post('/v1/users', input, key)
    const second = await users.admin().post('/v1/users', input, key)
    expect(second.status).toBe(201)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(second.body).toEqual(first.body)
  })

  it.each([
    ['id', '0190a5c4-6f00-7000-8000-000000000001'],
    ['version', 7],
    ['emailVerified', true],
    ['createdAt', '2020-01-01T00:00:00Z'],
    ['realmRoles', ['admin']],
    ['attributes', { a: 1 }],
  ])('POST and PATCH refuse the read-only field %s', async (field, value) => {
    const input = newUser({ [field]: value })
    expect(await users.admin().post('/v1/users', input)).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: `/${field}` }] },
    })
    expect(await users.realm.findUser(input.username)).toBeUndefined()
    const path = `/v1/users/${users.accounts.user.id}`
    const { body: current } = await users.admin().get(path)
    const other = value === current[field] ? !value : value
    expect(await users.admin().patch(path, { [field]: other })).toMatchObject({ status: 422 })
    expect(await users.user().patch('/v1/users/me', { [field]: other })).toMatchObject({ status: 422 })
  })

  it('PATCH /v1/users/me refuses roles, enabled and username', async () => {
    for (const body of [{ roles: ['admin'] }, { enabled: false }, { username: 'root' }])
      expect(await users.user().patch('/v1/users/me', body)).toMatchObject({ status: 422 })
  })
})

describe('GET /v1/users', () => {
  it('GET /v1/users filters by text, username, e-mail address, role and state, and sorts', async () => {
    const name = unique('zoe')
    const user = await createUser({ username: name, email: `${name}@example.com`, name: 'Zoë', surname: 'Ångström' })
    const found = async (query: string) =>
      (await users.admin().get(`/v1/users?${query}`)).body.data.map(({ id }: { id: string }) => id)
    expect(await found(`q=${encodeURIComponent(`zoe angstrom ${name}`)}`)).toEqual([user.id])
    expect(await found(`username=${name.toUpperCase()}`)).toEqual([user.id])
    expect(await found(`email=${name}@EXAMPLE.com`)).toEqual([user.id])
    expect(await found(`username=${name}&role=user&enabled=true`)).toEqual([user.id])
    expect(await found(`username=${name}&role=admin`)).toEqual([])
    expect(await found(`username=${name}&enabled=false`)).toEqual([])
    expect(await found(`id=${user.id},nobody`)).toEqual([user.id])
    expect(await found('sort=createdAt&limit=200')).toContain(user.id)
    expect(await found('sort=-username,email&limit=200')).toContain(user.id)
  })

  it('GET /v1/users sorts usernames with numbers by their value, and finds names by the letters that people type', async () => {
    const prefix = unique('n')
    const ids: string[] = []
    for (const [number, surname] of [
      [2, 'Łoś'],
      [9, 'O’Hara'],
      [10, 'Strauß'],
    ])
      ids.push((await createUser({ username: `${prefix}-${number}`, name: 'Bøje', surname })).id)
    const found = async (query: Record<string, string>) =>
      (await users.admin().get(`/v1/users?${new URLSearchParams(query)}`)).body.data.map(({ id }: { id: string }) => id)
    expect(await found({ q: prefix, sort: 'username' })).toEqual(ids)
    expect(await found({ 'username[gt]': `${prefix}-2`, 'username[lt]': `${prefix}-10` })).toEqual([ids[1]])
    for (const [index, q] of ['boje los', "Bøje O'Hara", 'strauss, boje'].entries())
      expect([q, await found({ q: `${q} ${prefix}` })]).toEqual([q, [ids[index]]])
  })

  it('GET /v1/users does not list service accounts', async () => {
    const { body } = await users.admin().get('/v1/users?q=service-account')
    expect(body.data).toEqual([])
  })

  it('GET /v1/users returns 400 for an unknown parameter and an unknown sort field', async () => {
    expect(await users.admin().get('/v1/users?password=x')).toMatchObject({
      status: 400,
      body: { code: 'unknown_parameter' },
    })
    expect(await users.admin().get('/v1/users?sort=password')).toMatchObject({ status: 400 })
  })

  it('GET /v1/users/{id} returns 404 for an unknown id, and 400 or 404 for a malformed one', async () => {
    expect(await users.admin().get('/v1/users/0190a5c4-6f00-7000-8000-000000000001')).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    })
    for (const id of ['%00', '..%2f..', "'; drop table users", 'a'.repeat(500)]) {
      const { status } = await users
        .admin()
        .get(`/v1/users/${id.startsWith('%') || id.startsWith('.') ? id : encodeURIComponent(id)}`)
      expect([400, 404]).toContain(status)
    }
  })

  it("GET /v1/users/me returns the user's own profile, and a user who is not an admin gets 403 for others", async () => {
    expect(await users.user().get('/v1/users/me')).toMatchObject({
      status: 200,
      body: { id: users.accounts.user.id, roles: ['user'] },
    })
    expect(await users.user().get('/v1/users')).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(await users.user().get(`/v1/users/${users.accounts.user.id}`)).toMatchObject({ status: 403 })
    expect(await users.anonymous().get('/v1/users/me')).toMatchObject({ status: 401 })
  })
})

describe('PATCH and PUT /v1/users/{id}', () => {
  it('PATCH changes the given fields, removes those that are null, and publishes the difference', async () => {
    const user = await createUser()
    const { status, body } = await users.admin().patch(`/v1/users/${user.id}`, { name: 'Ada', surname: null })
    expect(status).toBe(200)
    expect(body).toMatchObject({ name: 'Ada', surname: null, displayName: 'Ada', email: user.email, version: 2 })
    const { data } = await users.events.next('user.updated.v1', user.id)
    expect(data).toMatchObject({
      version: 2,
      changed: ['name', 'surname', 'displayName'],
      previous: { name: 'Ana', surname: 'Lovelace' },
      actor: { id: users.accounts.admin.id },
    })
    const { body: inKeycloak } = await users.realm.call<{ firstName: string }>('GET', `/users/${user.id}`)
    expect(inKeycloak.firstName).toBe('Ada')
  })

  it('PATCH with a password sets the password that the user signs in with', async () => {
    const user = await createUser()
    await users.admin().patch(`/v1/users/${user.id}`, { password: 'another horse' })
    await expect(
      users.anonymous().post('/v1/auth/login', { username: user.username, password: 'another horse' }),
    ).resolves.toMatchObject({ status: 200 })
    expect(await users.admin().patch(`/v1/users/${user.id}`, { name: 'X', password: 'no' })).toMatchObject({
      status: 422,
      body: { code: 'weak_password' },
    })
    expect((await users.admin().get(`/v1/users/${user.id}`)).body.name).toBe('Ana')
  })

  it('PATCH that changes nothing keeps the version and publishes no event', async () => {
    const user = await createUser()
    const { body } = await users
      .admin()
      .patch(`/v1/users/${user.id}`, { name: user.name, username: user.username, enabled: true, roles: ['user'] })
    expect(body.version).toBe(1)
    await users.admin().patch(`/v1/users/${user.id}`, { name: 'Last' })
    await users.events.next('user.updated.v1', user.id)
    expect(
      users.events
        .all()
        .filter(({ subject }) => subject === user.id)
        .map(({ type }) => type),
    ).toEqual(['user.created.v1', 'user.updated.v1'])
  })

  it('PUT removes the fields that are absent', async () => {
    const user = await createUser()
    const { status, body } = await users
      .admin()
      .put(`/v1/users/${user.id}`, { username: user.username, email: user.email, enabled: true, roles: ['user'] })
    expect(status).toBe(200)
    expect(body).toMatchObject({ name: null, surname: null, displayName: user.username })
    expect(await users.admin().put(`/v1/users/${user.id}`, { email: user.email })).toMatchObject({ status: 422 })
  })

  it('PATCH returns 409 for a taken e-mail address, and a new address is not verified', async () => {
    const [one, other] = [await createUser(), await createUser()]
    expect(await users.admin().patch(`/v1/users/${one.id}`, { email: other.email })).toMatchObject({
      status: 409,
      body: { conflictingId: other.id, errors: [{ pointer: '/email' }] },
    })
    await users.realm.updateUser(one.id, { emailVerified: true })
    const { body } = await users.admin().patch(`/v1/users/${one.id}`, { email: `new-${one.email}` })
    expect(body).toMatchObject({ email: `new-${one.email}`, emailVerified: false })
  })

  it('PATCH of the username returns 422 if the realm forbids it, and 200 if it is allowed', async () => {
    const user = await createUser()
    const path = `/v1/users/${user.id}`
    await users.realm.call('PUT', '', { editUsernameAllowed: false })
    const refused = await users.admin().patch(path, { username: unique('new') })
    expect(refused).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/username', message: 'cannot be changed in this realm' }] },
    })
    await users.realm.call('PUT', '', { editUsernameAllowed: true })
    const username = unique('new')
    expect(await users.admin().patch(path, { username })).toMatchObject({ status: 200, body: { username } })
  })

  it('PATCH returns 412 if the user was changed in Keycloak after the version that If-Match names', async () => {
    const user = await createUser()
    const path = `/v1/users/${user.id}`
    const { headers } = await users.admin().get(path)
    const etag = headers.get('etag') ?? ''
    expect(await users.admin().get(path, { 'if-none-match': etag })).toMatchObject({ status: 304 })
    await users.realm.updateUser(user.id, { firstName: 'Console' })
    expect(await users.admin().patch(path, { name: 'Api' }, { 'if-match': etag })).toMatchObject({
      status: 412,
      body: { current: { version: 2 } },
    })
    const { username, email } = user
    const whole = { username, email, enabled: true, roles: ['user'] }
    expect(await users.admin().put(path, whole, { 'if-none-match': '*' })).toMatchObject({ status: 412 })
    expect((await users.realm.call<{ firstName: string }>('GET', `/users/${user.id}`)).body.firstName).toBe('Console')
  })

  it("a change of roles and the deletion of one's own account return 412 if If-Match names another version", async () => {
    const user = await createUser()
    const { token } = await signIn(user.username, 'correct horse', 'test-client', users.realm.name)
    const stale = { 'if-match': '"99"' }
    const refused = { status: 412, body: { code: 'precondition_failed' } }
    expect(await users.admin().put(`/v1/users/${user.id}/roles/admin`, undefined, stale)).toMatchObject(refused)
    expect(await users.admin().delete(`/v1/users/${user.id}/roles/user`, stale)).toMatchObject(refused)
    expect(await users.as(token).delete('/v1/users/me', stale)).toMatchObject(refused)
    expect((await users.admin().get(`/v1/users/${user.id}`)).body).toMatchObject({ roles: ['user'], version: 1 })
    expect(await users.as(token).delete('/v1/users/me', { 'if-match': '"1"' })).toMatchObject({ status: 204 })
  })

  it("PATCH /v1/users/me updates the user's own profile", async () => {
    const user = await createUser()
    const { token } = await signIn(user.username, 'correct horse', 'test-client', users.realm.name)
    const { status, body } = await users.as(token).patch('/v1/users/me', { name: 'Me', surname: null })
    expect(status).toBe(200)
    expect(body).toMatchObject({ id: user.id, displayName: 'Me' })
    expect((await users.events.next('user.updated.v1', user.id)).data).toMatchObject({ actor: { id: user.id } })
  })
})

describe('DELETE /v1/users/{id}', () => {
  it('DELETE removes the user from Keycloak, leaves a tombstone, and returns 404 when it is repeated', async () => {
    const user = await createUser()
    expect(await users.admin().delete(`/v1/users/${user.id}`)).toMatchObject({ status: 204 })
    expect(await users.realm.findUser(user.username)).toBeUndefined()
    expect(await users.admin().get(`/v1/users/${user.id}`)).toMatchObject({ status: 404 })
    expect((await users.admin().get(`/v1/users?username=${user.username}`)).body.data).toEqual([])
    expect(await users.admin().delete(`/v1/users/${user.id}`)).toMatchObject({ status: 404 })
    expect((await users.events.next('user.deleted.v1', user.id)).data).toMatchObject({
      displayName: 'deleted user',
      version: 2,
    })
    const [row] = await users.db.query<Record<string, unknown>>('select * from users where id = $1', [user.id])
    expect(row).toMatchObject({
      display_name: 'deleted user',
      username: null,
      email: null,
      name: null,
      search_text: '',
    })
  })

  it("DELETE /v1/users/me deletes the user's own account, and no table holds the name or the address any more", async () => {
    const user = await createUser({ name: 'Zerafina', surname: 'Quill' })
    const { token } = await signIn(user.username, 'correct horse', 'test-client', users.realm.name)
    expect(await users.as(token).delete('/v1/users/me')).toMatchObject({ status: 204 })
    expect(await users.realm.findUser(user.username)).toBeUndefined()
    await eventually(async () => expect(await users.as(token).get('/v1/users/me')).toMatchObject({ status: 401 }))
    const texts = ['Zerafina', 'Quill', user.username, user.email]
    await eventually(async () => expect(await tablesWithText(users.db, texts)).toEqual([]), { timeoutMs: 20_000 })
  })

  it('GET /revocations on the internal port lists users whose tokens are revoked', async () => {
    const since = new Date(Date.now() - 1000).toISOString()
    const user = await createUser()
    await users.admin().delete(`/v1/users/${user.id}`)
    const { status, body } = await users.internal().get(`/revocations?since=${since}`)
    expect(status).toBe(200)
    expect(body.data).toContainEqual({ userId: user.id, notBefore: expect.any(String) })
    expect(
      (await users.internal().get(`/revocations?since=${new Date(Date.now() + 60_000).toISOString()}`)).body.data,
    ).toEqual([])
    expect((await users.internal().get('/revocations?since=never')).status).toBe(400)
  })
})

it('PATCH with a password ends all sessions of the user, offline ones too', async () => {
  const user = await createUser()
  const old = await startOldSessions(users, user.id, user.username, 'correct horse')
  await users.admin().patch(`/v1/users/${user.id}`, { name: 'Same sessions' })
  await old.expectRefreshable()
  expect(await users.admin().patch(`/v1/users/${user.id}`, { password: 'another horse' })).toMatchObject({
    status: 200,
  })
  await old.expectEnded()
})

describe('A user who is sent as they were read', () => {
  it('PUT and PATCH take all fields with one changed, and refuse a changed read-only field', async () => {
    const { id } = await createUser()
    for (const method of ['put', 'patch'] as const) {
      const { body: read } = await users.admin().get(`/v1/users/${id}`)
      const changed = await users.admin()[method](`/v1/users/${id}`, { ...read, surname: `By ${method}` })
      expect([changed.status, changed.body.surname]).toEqual([200, `By ${method}`])
    }
    const { body: read } = await users.admin().get(`/v1/users/${id}`)
    const refused = await users.admin().patch(`/v1/users/${id}`, { ...read, displayName: 'Somebody' })
    expect(refused.body.errors).toEqual([expect.objectContaining({ pointer: '/displayName', code: 'read_only' })])
  })
})
