import { createSignedInUser, signIn } from '@clientele/platform/testing/tokens'
import { password, startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const rolesInKeycloak = async (id: string) =>
  (await users.realm.call<{ name: string }[]>('GET', `/users/${id}/role-mappings/realm/composite`)).body.map(
    ({ name }) => name,
  )

describe('Roles of a user', () => {
  it('PUT /v1/users/{id}/roles/admin grants the role once and publishes user.role_granted.v1', async () => {
    const { id, username } = await users.createUser()
    expect(await users.admin().put(`/v1/users/${id}/roles/admin`)).toMatchObject({ status: 204 })
    expect(await users.admin().put(`/v1/users/${id}/roles/admin`)).toMatchObject({ status: 204 })
    const { data } = await users.events.next('user.role_granted.v1', id)
    expect(data).toMatchObject({ role: 'admin', roles: ['admin', 'user'], version: 2, previous: { roles: ['user'] } })
    expect((await users.admin().get(`/v1/users/${id}`)).body).toMatchObject({ roles: ['admin', 'user'], version: 2 })
    const { token } = await signIn(username, password, 'test-client', users.realm.name)
    expect(await users.as(token).get('/v1/users')).toMatchObject({ status: 200 })
  })

  it('DELETE /v1/users/{id}/roles/admin leaves the role user and revokes the tokens', async () => {
    const { id } = await users.createUser({ roles: ['admin'] })
    expect(await users.admin().delete(`/v1/users/${id}/roles/admin`)).toMatchObject({ status: 204 })
    expect(await users.admin().delete(`/v1/users/${id}/roles/admin`)).toMatchObject({ status: 204 })
    expect((await users.events.next('user.role_revoked.v1', id)).data).toMatchObject({ role: 'admin', roles: ['user'] })
    expect(await rolesInKeycloak(id)).toEqual(expect.arrayContaining(['user']))
    expect(await rolesInKeycloak(id)).not.toContain('admin')
    const { body } = await users.internal().get('/revocations')
    expect(body.data.map(({ userId }: { userId: string }) => userId)).toContain(id)
  })

  it('DELETE /v1/users/{id}/roles/user revokes a role that comes from the default role, and PUT grants it again', async () => {
    const { id } = await users.createUser()
    expect(await users.admin().delete(`/v1/users/${id}/roles/user`)).toMatchObject({ status: 204 })
    expect(await rolesInKeycloak(id)).not.toContain('user')
    expect((await users.admin().get(`/v1/users/${id}`)).body.roles).toEqual([])
    expect(await users.admin().put(`/v1/users/${id}/roles/user`)).toMatchObject({ status: 204 })
    expect((await users.admin().get(`/v1/users/${id}`)).body.roles).toEqual(['user'])
  })

  it('PATCH of roles together with a name counts as one version', async () => {
    const { id } = await users.createUser()
    expect((await users.admin().patch(`/v1/users/${id}`, { roles: ['admin'], name: 'Boss' })).body).toMatchObject({
      roles: ['admin', 'user'],
      version: 2,
    })
    expect((await users.admin().patch(`/v1/users/${id}`, { roles: ['user'] })).body).toMatchObject({
      roles: ['user'],
      version: 3,
    })
  })

  it('a role is not revoked if it is the role user of an admin or comes from a group, and an unknown role is refused', async () => {
    const { id } = await users.createUser({ roles: ['admin'] })
    expect(await users.admin().delete(`/v1/users/${id}/roles/user`)).toMatchObject({
      status: 409,
      body: { code: 'invalid_state' },
    })
    expect((await users.admin().put(`/v1/users/${id}/roles/owner`)).status).toBe(400)
    const member = await users.createUser()
    const { location } = await users.realm.call('POST', '/groups', { name: unique('admins') })
    const group = location.split('/').at(-1)
    const { body: admin } = await users.realm.call('GET', '/roles/admin')
    await users.realm.call('POST', `/groups/${group}/role-mappings/realm`, [admin])
    await users.realm.call('PUT', `/users/${member.id}/groups/${group}`)
    const { status, body } = await users.admin().delete(`/v1/users/${member.id}/roles/admin`)
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'invalid_state' })
    expect(body.detail).toMatch(/group/)
    await users.realm.call('DELETE', `/groups/${group}`)
  })

  it('a user who is not an admin gets 403 for granting a role', async () => {
    expect(await users.user().put(`/v1/users/${users.accounts.user.id}/roles/admin`)).toMatchObject({ status: 403 })
    expect(await rolesInKeycloak(users.accounts.user.id)).not.toContain('admin')
  })
})

describe('Guards of admins', () => {
  it('an admin cannot disable, demote or delete their own account by /v1/users/{id}', async () => {
    const own = `/v1/users/${users.accounts.admin.id}`
    const code = 'own_account'
    expect(await users.admin().patch(own, { enabled: false })).toMatchObject({ status: 409, body: { code } })
    expect(await users.admin().patch(own, { roles: ['user'] })).toMatchObject({ status: 409, body: { code } })
    expect(await users.admin().delete(`${own}/roles/admin`)).toMatchObject({ status: 409, body: { code } })
    expect(await users.admin().delete(own)).toMatchObject({ status: 409, body: { code } })
    expect(await users.admin().patch(own, { name: 'Myself' })).toMatchObject({
      status: 200,
      body: { enabled: true, roles: ['admin', 'user'] },
    })
  })

  it('the last enabled admin cannot delete their own account', async () => {
    const others = (await users.admin().get('/v1/users?role=admin&limit=200')).body.data.filter(
      ({ id }: { id: string }) => id !== users.accounts.admin.id,
    )
    for (const { id } of others) await users.admin().patch(`/v1/users/${id}`, { enabled: false })
    expect(await users.admin().delete('/v1/users/me')).toMatchObject({ status: 409, body: { code: 'last_admin' } })
    expect(await rolesInKeycloak(users.accounts.admin.id)).toContain('admin')
  })

  it('an admin whose role was revoked in Keycloak a moment ago does not count as an admin', async () => {
    const second = await createSignedInUser(['admin'], users.realm.name)
    await users.as(second.token).get('/v1/users/me')
    await users.realm.revoke(second.id, 'admin')
    expect(await users.admin().delete('/v1/users/me')).toMatchObject({ status: 409, body: { code: 'last_admin' } })
  })

  it('of two admins who demote each other at the same time, one stays an admin', async () => {
    const pair = await Promise.all([
      createSignedInUser(['admin'], users.realm.name),
      createSignedInUser(['admin'], users.realm.name),
    ])
    for (const { token } of pair) await users.as(token).get('/v1/users/me')
    const [first, second] = pair
    if (!first || !second) throw new Error('two admins are needed')
    // Without the realm's other admin these two are the last.
    await users.realm.revoke(users.accounts.admin.id, 'admin')
    try {
      const responses = await Promise.all([
        users.as(first.token).delete(`/v1/users/${second.id}/roles/admin`),
        users.as(second.token).delete(`/v1/users/${first.id}/roles/admin`),
      ])
      expect(responses.map(({ status }) => status).sort()).toEqual([204, 409])
      expect(responses.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'last_admin' })
    } finally {
      await users.realm.grant(users.accounts.admin.id, 'admin')
      await users.signInAdmin()
    }
  })
})

describe('Access of a user', () => {
  it('PATCH with enabled: false ends the sessions, revokes the tokens, and publishes user.disabled.v1 only', async () => {
    const { id, username } = await users.createUser()
    const session = await signIn(username, password, 'test-client', users.realm.name)
    expect((await users.admin().patch(`/v1/users/${id}`, { enabled: false })).body).toMatchObject({
      enabled: false,
      version: 2,
    })
    expect((await users.events.next('user.disabled.v1', id)).data).toMatchObject({
      enabled: false,
      previous: { enabled: true },
    })
    const { body: sessions } = await users.realm.call<unknown[]>('GET', `/users/${id}/sessions`)
    expect(sessions).toEqual([])
    expect(await users.anonymous().post('/v1/auth/login', { username, password })).toMatchObject({ status: 401 })
    expect(session.token).not.toBe('')
    expect(
      (await users.internal().get('/revocations')).body.data.map(({ userId }: { userId: string }) => userId),
    ).toContain(id)

    await users.admin().patch(`/v1/users/${id}`, { enabled: true })
    await users.events.next('user.enabled.v1', id)
    expect(await users.anonymous().post('/v1/auth/login', { username, password })).toMatchObject({ status: 200 })
    expect(users.events.all().filter(({ type, subject }) => subject === id && type === 'user.signed_out.v1')).toEqual(
      [],
    )
  })

  it('POST /v1/users/{id}/logout ends the sessions and publishes user.signed_out.v1', async () => {
    const { id, username } = await users.createUser()
    await signIn(username, password, 'test-client', users.realm.name)
    expect(await users.admin().post(`/v1/users/${id}/logout`)).toMatchObject({ status: 204 })
    expect((await users.events.next('user.signed_out.v1', id)).data).toMatchObject({
      actor: { id: users.accounts.admin.id },
      version: 1,
    })
    expect((await users.realm.call<unknown[]>('GET', `/users/${id}/sessions`)).body).toEqual([])
    expect(await users.admin().post('/v1/users/0190a5c4-6f00-7000-8000-000000000001/logout')).toMatchObject({
      status: 404,
    })
  })
})
