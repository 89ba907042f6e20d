import { signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { consoleUsers } from './console-users.ts'
import { password, startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
  // The reconciliation at the start would find a new user before the event log does, and name itself as the actor.
  await eventually(async () =>
    expect((await users.internal().get('/metrics')).body).toMatch(
      /reconciled_users_total\{[^}]*outcome="done"[^}]*\} [1-9]/,
    ),
  )
}, 120_000)
afterAll(() => users?.end(), 60_000)

const in5s = { timeoutMs: 5_000 }
const { createInConsole, untilCreated, untilSynced } = consoleUsers(() => users)
/** A user with the role user, whose events have been published. */
const createMember = (): Promise<{ id: string }> => users.createUser()
const getUser = async (id: string) => (await users.admin().get(`/v1/users/${id}`)).body
const typesOf = (id: string) =>
  users.events
    .all()
    .filter(({ subject }) => subject === id)
    .map(({ type }) => type)
const expectRevoked = async (id: string) => {
  const { body } = await users.internal().get('/revocations')
  expect(body.data.map(({ userId }: { userId: string }) => userId)).toContain(id)
}
const createGroup = async () =>
  (await users.realm.call('POST', '/groups', { name: unique('group') })).location.split('/').at(-1)
const grantAdminToGroup = async (group: string | undefined) => {
  const { body: admin } = await users.realm.call('GET', '/roles/admin')
  await users.realm.call('POST', `/groups/${group}/role-mappings/realm`, [admin])
}
describe('Changes in Keycloak’s console', () => {
  it('a new user is published and listed within 5 s, and has only the roles that the administrator grants', async () => {
    const { id, username } = await createInConsole()
    const { data } = await untilCreated(id)
    expect(data).toMatchObject({
      username,
      displayName: 'Kim Console',
      roles: [],
      actor: { displayName: 'Keycloak administrator' },
    })
    expect((await users.admin().get(`/v1/users?username=${username}`)).body.data).toHaveLength(1)
    await users.realm.grant(id, 'user')
    expect((await users.events.next('user.role_granted.v1', id, 5_000)).data).toMatchObject({ roles: ['user'] })
  })

  it('a new user whose username looks like that of a service account is published and listed within 5 s', async () => {
    const { id, username } = await createInConsole({ username: unique('service-account') })
    await untilCreated(id)
    expect(await getUser(id)).toMatchObject({ roles: [], enabled: true })
    expect(await users.admin().patch(`/v1/users/${id}`, { enabled: false })).toMatchObject({
      status: 200,
      body: { username },
    })
  })

  it('a changed name, a granted role and a revoked role are published within 5 s', async () => {
    const { id } = await createInConsole()
    await untilCreated(id)
    await users.realm.updateUser(id, { firstName: 'Kimberly' })
    expect((await users.events.next('user.updated.v1', id, 5_000)).data).toMatchObject({
      changed: ['name', 'displayName'],
      version: 2,
    })
    await users.realm.grant(id, 'admin')
    expect((await users.events.next('user.role_granted.v1', id, 5_000)).data).toMatchObject({ role: 'admin' })
    await users.realm.revoke(id, 'admin')
    expect((await users.events.next('user.role_revoked.v1', id, 5_000)).data).toMatchObject({
      role: 'admin',
      version: 4,
    })
    expect(await getUser(id)).toMatchObject({ name: 'Kimberly', roles: [], version: 4 })
    await expectRevoked(id)
  })

  it('a disabled user is published within 5 s, and the sessions are ended', async () => {
    const { id, username } = await createInConsole()
    await signIn(username, password, 'test-client', users.realm.name)
    await untilCreated(id)
    await users.realm.updateUser(id, { enabled: false })
    await users.events.next('user.disabled.v1', id, 5_000)
    expect((await users.realm.call<unknown[]>('GET', `/users/${id}/sessions`)).body).toEqual([])
    await expectRevoked(id)
    await users.realm.updateUser(id, { enabled: true })
    await users.events.next('user.enabled.v1', id, 5_000)
    expect(typesOf(id)).not.toContain('user.signed_out.v1')
  })

  it('a deleted user is published within 5 s, and the tokens are revoked', async () => {
    const { id } = await createInConsole()
    await untilCreated(id)
    await users.realm.deleteUser(id)
    await users.events.next('user.deleted.v1', id, 5_000)
    expect(await users.admin().get(`/v1/users/${id}`)).toMatchObject({ status: 404 })
    await expectRevoked(id)
  })

  it('"sign out" of all sessions of a user is published within 5 s', async () => {
    const { id, username } = await createInConsole()
    await signIn(username, password, 'test-client', users.realm.name)
    await untilCreated(id)
    await users.realm.call('POST', `/users/${id}/logout`, {})
    await users.events.next('user.signed_out.v1', id, 5_000)
    await expectRevoked(id)
  })

  it('"sign out" of a single session is published within 5 s', async () => {
    const { id, username } = await createInConsole()
    await signIn(username, password, 'test-client', users.realm.name)
    await untilCreated(id)
    const { body: sessions } = await users.realm.call<{ id: string }[]>('GET', `/users/${id}/sessions`)
    await users.realm.call('DELETE', `/sessions/${sessions[0]?.id}`)
    await users.events.next('user.signed_out.v1', id, 5_000)
    await expectRevoked(id)
  })

  it('"sign out all active sessions" of the realm signs out every user with a session within 5 s', async () => {
    const signedIn = await Promise.all([createInConsole(), createInConsole()])
    for (const { username } of signedIn) await signIn(username, password, 'test-client', users.realm.name)
    for (const { id } of signedIn) {
      await untilCreated(id)
      await eventually(async () => expect(await getUser(id)).toMatchObject({ lastLoginAt: expect.any(String) }), in5s)
    }
    const withoutSession = await createInConsole()
    await untilCreated(withoutSession.id)
    await users.realm.call('POST', '/logout-all', {})
    for (const { id } of signedIn) await users.events.next('user.signed_out.v1', id, 5_000)
    expect(typesOf(withoutSession.id)).not.toContain('user.signed_out.v1')
    // The tokens of the admin and of the service account were revoked as well.
    await users.signInAdmin()
    const later = await createInConsole()
    await untilCreated(later.id)
  })

  it('a sign-in sets lastLoginAt without an event', async () => {
    const { id, username } = await createInConsole()
    await untilCreated(id)
    expect((await getUser(id)).lastLoginAt).toBeNull()
    await signIn(username, password, 'test-client', users.realm.name)
    await eventually(async () => expect((await getUser(id)).lastLoginAt).not.toBeNull(), in5s)
    expect(typesOf(id)).toEqual(['user.created.v1'])
    expect((await getUser(id)).version).toBe(1)
  })

  it('a role that a group gets or loses is published for the members of its subgroups within 5 s', async () => {
    const { id } = await createMember()
    const parent = await createGroup()
    const { body: child } = await users.realm.call<{ id: string; name: string }>('POST', `/groups/${parent}/children`, {
      name: unique('child'),
    })
    await users.realm.call('PUT', `/users/${id}/groups/${child.id}`)
    await untilSynced()
    await grantAdminToGroup(parent)
    expect((await users.events.next('user.role_granted.v1', id, 5_000)).data).toMatchObject({ role: 'admin' })
    await untilSynced()
    // A subgroup that becomes a top-level group inherits no roles; back under its parent, it does.
    await users.realm.call('POST', '/groups', child)
    await users.events.next('user.role_revoked.v1', id, 5_000)
    await untilSynced()
    await users.realm.call('POST', `/groups/${parent}/children`, child)
    await users.events.next('user.role_granted.v1', id, 5_000)
    await untilSynced()
    await users.realm.call('DELETE', `/groups/${parent}`)
    expect((await users.events.next('user.role_revoked.v1', id, 5_000)).data).toMatchObject({ role: 'admin' })
  }, 60_000)

  it('a role that is added to a composite role, or removed with it, is published within 5 s', async () => {
    const { id } = await createMember()
    const name = unique('boss')
    await users.realm.call('POST', '/roles', { name })
    await users.realm.grant(id, name)
    const { body: admin } = await users.realm.call('GET', '/roles/admin')
    await users.realm.call('POST', `/roles/${name}/composites`, [admin])
    await users.events.next('user.role_granted.v1', id, 5_000)
    await users.realm.call('DELETE', `/roles/${name}`)
    await users.events.next('user.role_revoked.v1', id, 5_000)
  })

  it('a change by the API is published once, although Keycloak logs an event for it', async () => {
    const body = await users.createUser()
    await users.admin().patch(`/v1/users/${body.id}`, { name: 'Api' })
    const later = await createInConsole()
    await untilCreated(later.id)
    expect(typesOf(body.id)).toEqual(['user.created.v1', 'user.updated.v1'])
  })
})

describe('Changes while user-service is stopped', () => {
  it('every change in Keycloak is published once when user-service starts again', async () => {
    const [changed, deleted, signedOut] = await Promise.all([createMember(), createInConsole(), createInConsole()])
    for (const { id } of [changed, deleted, signedOut]) await untilCreated(id)
    await signIn(signedOut.username, password, 'test-client', users.realm.name)
    await users.stop()
    const created = await createInConsole()
    await users.realm.updateUser(changed.id, { lastName: 'Changed' })
    await users.realm.grant(changed.id, 'admin')
    await users.realm.deleteUser(deleted.id)
    const { body: sessions } = await users.realm.call<{ id: string }[]>('GET', `/users/${signedOut.id}/sessions`)
    await users.realm.call('DELETE', `/sessions/${sessions[0]?.id}`)
    await signIn(created.username, password, 'test-client', users.realm.name)
    await users.start()
    await users.events.next('user.created.v1', created.id)
    await users.events.next('user.updated.v1', changed.id)
    await users.events.next('user.role_granted.v1', changed.id)
    await users.events.next('user.deleted.v1', deleted.id)
    await users.events.next('user.signed_out.v1', signedOut.id)
    await eventually(async () => expect((await getUser(created.id)).lastLoginAt).not.toBeNull())
    for (const { id } of [created, changed, deleted, signedOut])
      expect(new Set(typesOf(id)).size).toBe(typesOf(id).length)
  })

  it('events are handled if they fill more than a page and the watermark is a day old', async () => {
    await users.stop()
    await users.db.query(`update watermarks set at = at - 86400000 where name in ('admin', 'user')`)
    await users.db.query('delete from keycloak_events')
    const { id } = await createInConsole()
    for (let round = 0; round < 26; round += 1)
      await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          users.realm.updateUser(id, { lastName: `Round ${round * 20 + index}` }),
        ),
      )
    await users.realm.updateUser(id, { lastName: 'Last' })
    const before = users.events.all().length
    await users.start()
    await users.events.next('user.created.v1', id)
    await eventually(async () => expect((await getUser(id)).surname).toBe('Last'))
    await eventually(async () => {
      const [row] = await users.db.query<{ count: number }>('select count(*)::int as count from keycloak_events')
      expect(row?.count).toBeGreaterThan(520)
    })
    expect(
      users.events
        .all()
        .slice(before)
        .filter(({ type }) => type === 'user.created.v1'),
    ).toHaveLength(1)
  }, 60_000)
})

describe('Two replicas of user-service', () => {
  it('two replicas publish a change once, and one takes over when the other stops', async () => {
    const other = await users.startReplica()
    try {
      const { id } = await createInConsole()
      await untilCreated(id)
      await users.stop()
      const second = await createInConsole()
      await users.events.next('user.created.v1', second.id, 15_000)
      for (const each of [id, second.id]) expect(typesOf(each)).toEqual(['user.created.v1'])
      await users.start()
    } finally {
      await other.stop()
    }
  }, 40_000)
})

describe('Reconciliation while Keycloak logs no events', () => {
  it('reconciliation finds users who were created, changed, deleted, or got a role by a group', async () => {
    const silent = await startUsers({ reconcileIntervalMs: 1_000 }, { adminEventsEnabled: false, eventsEnabled: false })
    try {
      const createUser = async () => {
        const username = unique('silent')
        return silent.realm.createUser({ username, email: `${username}@example.com`, firstName: 'Q', lastName: 'Q' })
      }
      const [changed, deleted, member] = [await createUser(), await createUser(), await createUser()]
      for (const id of [changed, deleted, member]) await silent.events.next('user.created.v1', id)
      await silent.realm.updateUser(changed, { lastName: 'Changed', enabled: false })
      await silent.realm.deleteUser(deleted)
      const group = (await silent.realm.call('POST', '/groups', { name: 'admins' })).location.split('/').at(-1)
      const { body: admin } = await silent.realm.call('GET', '/roles/admin')
      await silent.realm.call('POST', `/groups/${group}/role-mappings/realm`, [admin])
      await silent.realm.call('PUT', `/users/${member}/groups/${group}`)
      await silent.events.next('user.updated.v1', changed)
      await silent.events.next('user.disabled.v1', changed)
      await silent.events.next('user.deleted.v1', deleted)
      await silent.events.next('user.role_granted.v1', member)
      // As an earlier release wrote it, without folded forms.
      const text = () =>
        silent.db.query<{ text: string }>('select search_text as text from users where id = $1', [member])
      const written = await text()
      await silent.db.query(`update users set search_text = 'q q' where id = $1`, [member])
      await eventually(async () => expect(await text()).toEqual(written))
    } finally {
      await silent.end()
    }
  }, 60_000)
})

it('a user who joins or leaves a group with a role gets or loses that role within 5 s', async () => {
  const { id } = await createMember()
  const group = await createGroup()
  await grantAdminToGroup(group)
  await untilSynced()
  await users.realm.call('PUT', `/users/${id}/groups/${group}`)
  await users.events.next('user.role_granted.v1', id, 5_000)
  await users.realm.call('DELETE', `/users/${id}/groups/${group}`)
  await users.events.next('user.role_revoked.v1', id, 5_000)
})
