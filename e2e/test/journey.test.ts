import { type Client, client } from '@clientele/platform/testing/client'
import { testEnv } from '@clientele/platform/testing/database'
import { realmAdmin } from '@clientele/platform/testing/realm'
import { createSignedInUser, signedInAs, signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { createPng } from '../png-image.ts'
import { type System, startSystem } from '../system.ts'

let system: System
let user: Client
let admin: Client
const anonymous = () => client(system.gateway)
const unique = () => Math.random().toString(36).slice(2, 10)

beforeAll(async () => {
  system = await startSystem()
  user = client(system.gateway, (await signedInAs('user')).token)
  admin = client(system.gateway, (await signedInAs('admin')).token)
}, 120_000)
afterAll(() => system?.close(), 60_000)

describe('Sign-up and sign-in', () => {
  it('a new user signs up, signs in, refreshes the token, signs out and becomes a customer', async () => {
    const email = `new-${unique()}@example.com`
    const password = 'a long enough Passw0rd'
    const signup = await anonymous().post('/v1/auth/signup', {
      email,
      password,
      name: 'Nova',
      surname: 'Comer',
      createCustomer: true,
    })
    expect(signup.status).toBe(202)
    const login = await eventually(async () => {
      const response = await anonymous().post('/v1/auth/login', { username: email, password })
      expect(response.status).toBe(200)
      return response.body
    })
    expect(login).toMatchObject({ tokenType: 'Bearer', expiresIn: expect.any(Number) })
    const me = client(system.gateway, login.accessToken)
    expect((await me.get('/v1/users/me')).body).toMatchObject({ email, name: 'Nova', roles: ['user'] })
    const customer = await eventually(async () => {
      const { body } = await me.get(`/v1/customers/${encodeURIComponent(email)}?idBy=email`)
      expect(body).toMatchObject({ email, surname: 'Comer' })
      return body
    })
    expect(customer.userId).toBe((await me.get('/v1/users/me')).body.id)
    const refreshed = await anonymous().post('/v1/auth/refresh', { refreshToken: login.refreshToken })
    expect(refreshed.status).toBe(200)
    expect((await anonymous().post('/v1/auth/logout', { refreshToken: refreshed.body.refreshToken })).status).toBe(204)
    expect((await anonymous().post('/v1/auth/refresh', { refreshToken: refreshed.body.refreshToken })).status).toBe(401)
  })

  it('sign-in returns the same problem for an unknown user and for a wrong password', async () => {
    const { username } = await createSignedInUser(['user'])
    const wrong = await anonymous().post('/v1/auth/login', { username, password: 'wrong' })
    const unknown = await anonymous().post('/v1/auth/login', { username: `nobody-${unique()}`, password: 'wrong' })
    expect([wrong.status, wrong.body.code, wrong.body.detail]).toEqual([
      401,
      'invalid_credentials',
      unknown.body.detail,
    ])
    expect(unknown.status).toBe(401)
  })
})

describe('Customers with photos and editors', () => {
  it('a customer with a photo is created by one multipart request, read, searched, changed, deleted, restored and purged', async () => {
    const name = `Photo${unique()}`
    const form = new FormData()
    form.set('name', name)
    form.set('surname', 'Owner')
    form.set('photo', new Blob([createPng(640, 480)], { type: 'image/png' }), 'me.png')
    const created = await user.post('/v1/customers', form)
    expect(created.body).toMatchObject({ name, surname: 'Owner', code: expect.stringMatching(/^CUS-\d{6,}$/) })
    expect(created.status).toBe(201)
    const { id, photoUrl } = created.body
    expect(photoUrl).toMatch(`${system.gateway}/v1/media/`)
    const photo = await fetch(photoUrl)
    expect([photo.status, photo.headers.get('x-content-type-options')]).toEqual([200, 'nosniff'])
    const thumb = await user.get(`/v1/customers/${id}/photo?variant=thumb`)
    expect(thumb.status).toBe(302)
    await eventually(async () => {
      const picture = await fetch(new URL(thumb.headers.get('location') ?? '', system.gateway))
      expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/webp'])
    })
    expect((await user.get(`/v1/customers?q=${name}`)).body).toMatchObject({
      data: [{ id }],
      page: { total: 1, totalRelation: 'eq' },
    })
    const patched = await user.patch(
      `/v1/customers/${id}`,
      { phone: '+254 711 000 111' },
      { 'if-match': created.headers.get('etag') ?? '' },
    )
    expect(patched.body).toMatchObject({ phone: '+254711000111', version: created.body.version + 1 })
    expect(
      (await user.patch(`/v1/customers/${id}`, { name: 'x' }, { 'if-match': created.headers.get('etag') ?? '' }))
        .status,
    ).toBe(412)
    expect((await user.delete(`/v1/customers/${id}`)).status).toBe(204)
    expect((await user.get(`/v1/customers/${id}`)).status).toBe(404)
    expect((await user.post(`/v1/customers/${id}/restore`)).status).toBe(200)
    expect((await user.delete(`/v1/customers/${id}?purge=true`)).status).toBe(403)
    expect((await admin.delete(`/v1/customers/${id}?purge=true`)).status).toBe(204)
    await eventually(async () => expect((await fetch(photoUrl)).status).toBe(404))
  })

  it('a customer that is read compressed can be read again and changed with its ETag', async () => {
    const metadata = Object.fromEntries(['a', 'b', 'c', 'd'].map((key) => [key, `${key} long text,`.repeat(25)]))
    const { body } = await user.post('/v1/customers', { name: 'Large', surname: 'Customer', metadata })
    const path = `/v1/customers/${body.id}`
    const read = await user.get(path)
    const etag = read.headers.get('etag') ?? ''
    expect([read.body.metadata, etag]).toEqual([metadata, expect.stringMatching(/^"1\.[\w-]{11}\.(br|gzip)"$/)])
    const again = await user.get(path, { 'if-none-match': etag })
    expect([again.status, again.headers.get('etag')]).toEqual([304, etag])
    expect((await user.patch(path, { name: 'Larger' }, { 'if-match': etag })).status).toBe(200)
    expect((await user.get(path, { 'if-none-match': etag })).status).toBe(200)
    expect((await user.patch(path, { name: 'Late' }, { 'if-match': etag })).status).toBe(412)
  })

  it('a customer shows id and name of its creator even after that user has been deleted', async () => {
    const editor = await createSignedInUser(['user'])
    const userClient = client(system.gateway, editor.token)
    const { body } = await userClient.post('/v1/customers', { name: 'Edited', surname: 'Once' })
    expect(body.createdBy).toEqual({ id: editor.id, displayName: expect.any(String) })
    expect((await userClient.get('/v1/customers?createdBy=me')).body.data.map((row: { id: string }) => row.id)).toEqual(
      [body.id],
    )
    expect((await userClient.delete('/v1/users/me')).status).toBe(204)
    const after = await user.get(`/v1/customers/${body.id}`)
    expect(after.body.createdBy.id).toBe(editor.id)
    expect(after.body.createdBy.displayName).not.toBe('')
  })
})

describe('User management through the API and in Keycloak', () => {
  it('an admin creates, promotes, demotes, disables and deletes a user through the API', async () => {
    const username = `made-${unique()}`
    const made = await admin.post('/v1/users', {
      username,
      email: `${username}@example.com`,
      password: 'a long enough Passw0rd',
      roles: ['user'],
    })
    expect(made.status).toBe(201)
    const { id } = made.body
    expect((await admin.put(`/v1/users/${id}/roles/admin`)).status).toBe(204)
    expect((await admin.get(`/v1/users/${id}`)).body.roles.sort()).toEqual(['admin', 'user'])
    expect((await admin.delete(`/v1/users/${id}/roles/admin`)).status).toBe(204)
    expect((await admin.patch(`/v1/users/${id}`, { enabled: false })).body).toMatchObject({ enabled: false })
    expect(await realmAdmin().findUser(username)).toMatchObject({ id, enabled: false })
    expect((await admin.delete(`/v1/users/${id}`)).status).toBe(204)
    expect(await realmAdmin().findUser(username)).toBeUndefined()
  })

  it.each([
    ['disabled', (id: string) => realmAdmin().updateUser(id, { enabled: false })],
    ['deleted', (id: string) => realmAdmin().deleteUser(id)],
    ['demoted', (id: string) => realmAdmin().revoke(id, 'admin')],
    ['signed out', (id: string) => realmAdmin().call('POST', `/users/${id}/logout`)],
  ])('a user who is %s in Keycloak gets 401 from the gateway within 5 s', async (_what, act) => {
    const colleague = await createSignedInUser(['user', 'admin'])
    const userClient = client(system.gateway, colleague.token)
    expect((await userClient.get('/v1/customers')).status).toBe(200)
    await eventually(async () => expect((await admin.get(`/v1/users/${colleague.id}`)).status).toBe(200))
    await act(colleague.id)
    await eventually(async () => expect((await userClient.get('/v1/customers')).status).toBe(401), { timeoutMs: 5_000 })
  })

  it('a disabled user who is enabled again can sign in and use the API', async () => {
    const colleague = await createSignedInUser(['user'])
    await eventually(async () =>
      expect((await admin.patch(`/v1/users/${colleague.id}`, { enabled: false })).status).toBe(200),
    )
    await eventually(async () =>
      expect((await client(system.gateway, colleague.token).get('/v1/customers')).status).toBe(401),
    )
    await admin.patch(`/v1/users/${colleague.id}`, { enabled: true })
    await eventually(async () => {
      const { token } = await signIn(colleague.username, colleague.password)
      expect((await client(system.gateway, token).get('/v1/customers')).status).toBe(200)
    })
  })
})

describe('Mass assignment', () => {
  it('requests that set server-controlled fields get 422', async () => {
    for (const field of ['id', 'code', 'version', 'createdBy', 'createdAt', 'userId', 'deletedAt', 'photoUrl']) {
      const { status, body } = await user.post('/v1/customers', { name: 'A', surname: 'B', [field]: '1' })
      expect([field, status, body.errors?.[0]?.pointer]).toEqual([field, 422, `/${field}`])
    }
    for (const field of ['roles', 'enabled', 'id', 'emailVerified']) {
      const own = await user.patch('/v1/users/me', { [field]: ['admin'] })
      expect([field, own.status]).toEqual([field, 422])
      const signup = await anonymous().post('/v1/auth/signup', {
        email: 'a@example.com',
        password: 'a long enough Passw0rd',
        [field]: true,
      })
      expect([field, signup.status]).toEqual([field, 422])
    }
  })
})

describe('Public pages and documents of the gateway', () => {
  it('the gateway serves health, API documents, problem pages, OAuth metadata and a home page', async () => {
    const get = (path: string, accept = 'application/json') => anonymous().get(path, { accept })
    expect((await get('/health')).body.status).toBe('up')
    const document = (await get('/openapi.json')).body
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/v1/users', '/v1/customers', '/v1/media', '/v1/auth/login']),
    )
    expect((await get('/asyncapi.json')).body.asyncapi).toMatch(/^3\./)
    expect((await get('/')).body).toMatchObject({
      name: expect.stringMatching(/clientele/i),
      version: expect.any(String),
    })
    expect((await get('/', 'text/html')).headers.get('content-type')).toMatch('text/html')
    expect((await get('/problems/not-found', 'text/html')).status).toBe(200)
    expect((await get('/.well-known/oauth-protected-resource')).body.authorization_servers).toEqual([
      `${testEnv('TEST_KEYCLOAK_URL')}/realms/clientele`,
    ])
    expect((await get('/nothing', 'text/html')).headers.get('content-type')).toMatch('text/html')
  })
})
