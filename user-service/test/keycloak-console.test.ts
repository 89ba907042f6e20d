import { signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const within5s = { timeoutMs: 5_000 }
const password = 'correct horse'
/** What the console does: the Admin API, as an administrator of the realm `master`. */
const inConsole = async ({
  username = unique('kim'),
  ...fields
}: Record<string, unknown> & { username?: string } = {}) => {
  const id = await users.realm.createUser({
    username,
    email: `${username}@example.com`,
    firstName: 'Kim',
    lastName: 'Console',
    password,
    ...fields,
  })
  return { id, username }
}
const shown = async (id: string) => (await users.admin().get(`/v1/users/${id}`)).body
const known = (id: string) => users.tap.next('user.created.v1', id, 5_000)
const typesOf = (id: string) =>
  users.tap
    .all()
    .filter(({ subject }) => subject === id)
    .map(({ type }) => type)
const revoked = async (id: string) => {
  const { body } = await users.internal().get('/revocations')
  expect(body.data.map(({ userId }: { userId: string }) => userId)).toContain(id)
}
const makeGroup = async () =>
  (await users.realm.call('POST', '/groups', { name: unique('group') })).location.split('/').at(-1)
const giveAdmin = async (group: string | undefined) => {
  const { body: admin } = await users.realm.call('GET', '/roles/admin')
  await users.realm.call('POST', `/groups/${group}/role-mappings/realm`, [admin])
}
/** All that happened so far has been worked off, marked roles included. */
const everythingSeen = async () => {
  await known((await inConsole()).id)
  await eventually(async () => {
    const marked = await users.db.query('select 1 from users where roles_checked_at is null and deleted_at is null')
    expect(marked).toEqual([])
  })
}

describe('changes in Keycloak’s console are seen and published within 5 s', () => {
  it('a new user appears in the list', async () => {
    const { id, username } = await inConsole()
    const { data } = await known(id)
    expect(data).toMatchObject({
      username,
      displayName: 'Kim Console',
      roles: ['user'],
      actor: { displayName: 'Keycloak administrator' },
    })
    expect((await users.admin().get(`/v1/users?username=${username}`)).body.data).toHaveLength(1)
  })

  it('a new user whose name is of the kind that service accounts have', async () => {
    const { id, username } = await inConsole({ username: unique('service-account') })
    await known(id)
    expect(await shown(id)).toMatchObject({ roles: ['user'], enabled: true })
    expect(await users.admin().patch(`/v1/users/${id}`, { enabled: false })).toMatchObject({
      status: 200,
      body: { username },
    })
  })

  it('changed names, a promotion and a demotion', async () => {
    const { id } = await inConsole()
    await known(id)
    await users.realm.updateUser(id, { firstName: 'Kimberly' })
    expect((await users.tap.next('user.updated.v1', id, 5_000)).data).toMatchObject({
      changed: ['name', 'displayName'],
      version: 2,
    })
    await users.realm.grant(id, 'admin')
    expect((await users.tap.next('user.role_granted.v1', id, 5_000)).data).toMatchObject({ role: 'admin' })
    await users.realm.revoke(id, 'admin')
    expect((await users.tap.next('user.role_revoked.v1', id, 5_000)).data).toMatchObject({ role: 'admin', version: 4 })
    expect(await shown(id)).toMatchObject({ name: 'Kimberly', roles: ['user'], version: 4 })
    await revoked(id)
  })

  it('a disabled user, whose sessions end as well', async () => {
    const { id, username } = await inConsole()
    await signIn(username, password, 'test-client', users.realm.name)
    await known(id)
    await users.realm.updateUser(id, { enabled: false })
    await users.tap.next('user.disabled.v1', id, 5_000)
    expect((await users.realm.call<unknown[]>('GET', `/users/${id}/sessions`)).body).toEqual([])
    await revoked(id)
    await users.realm.updateUser(id, { enabled: true })
    await users.tap.next('user.enabled.v1', id, 5_000)
    expect(typesOf(id)).not.toContain('user.signed_out.v1')
  })

  it('a deleted user', async () => {
    const { id } = await inConsole()
    await known(id)
    await users.realm.deleteUser(id)
    await users.tap.next('user.deleted.v1', id, 5_000)
    expect(await users.admin().get(`/v1/users/${id}`)).toMatchObject({ status: 404 })
    await revoked(id)
  })

  it('"sign out" of all sessions of a user', async () => {
    const { id, username } = await inConsole()
    await signIn(username, password, 'test-client', users.realm.name)
    await known(id)
    await users.realm.call('POST', `/users/${id}/logout`, {})
    await users.tap.next('user.signed_out.v1', id, 5_000)
    await revoked(id)
  })

  it('"sign out" of a single session', async () => {
    const { id, username } = await inConsole()
    await signIn(username, password, 'test-client', users.realm.name)
    await known(id)
    const { body: sessions } = await users.realm.call<{ id: string }[]>('GET', `/users/${id}/sessions`)
    await users.realm.call('DELETE', `/sessions/${sessions[0]?.id}`)
    await users.tap.next('user.signed_out.v1', id, 5_000)
    await revoked(id)
  })

  it('"sign out all active sessions" of the realm', async () => {
    const people = await Promise.all([inConsole(), inConsole()])
    for (const { username } of people) await signIn(username, password, 'test-client', users.realm.name)
    for (const { id } of people) {
      await known(id)
      await eventually(async () => expect(await shown(id)).toMatchObject({ lastLoginAt: expect.any(String) }), within5s)
    }
    const idle = await inConsole()
    await known(idle.id)
    await users.realm.call('POST', '/logout-all', {})
    for (const { id } of people) await users.tap.next('user.signed_out.v1', id, 5_000)
    expect(typesOf(idle.id)).not.toContain('user.signed_out.v1')
    // The service's own token was voided by it, too.
    const later = await inConsole()
    await known(later.id)
  })

  it('a sign-in shows as lastLoginAt without an event', async () => {
    const { id, username } = await inConsole()
    await known(id)
    expect((await shown(id)).lastLoginAt).toBeNull()
    await signIn(username, password, 'test-client', users.realm.name)
    await eventually(async () => expect((await shown(id)).lastLoginAt).not.toBeNull(), within5s)
    expect(typesOf(id)).toEqual(['user.created.v1'])
    expect((await shown(id)).version).toBe(1)
  })

  it('a role that a group gets, its members in sub-groups included, and loses', async () => {
    const { id } = await inConsole()
    await known(id)
    const parent = await makeGroup()
    const { body: child } = await users.realm.call<{ id: string; name: string }>('POST', `/groups/${parent}/children`, {
      name: unique('child'),
    })
    await users.realm.call('PUT', `/users/${id}/groups/${child.id}`)
    await everythingSeen()
    await giveAdmin(parent)
    expect((await users.tap.next('user.role_granted.v1', id, 5_000)).data).toMatchObject({ role: 'admin' })
    await everythingSeen()
    // Moved to the top, the child inherits nothing any more; below the parent again, it does.
    await users.realm.call('POST', '/groups', child)
    await users.tap.next('user.role_revoked.v1', id, 5_000)
    await everythingSeen()
    await users.realm.call('POST', `/groups/${parent}/children`, child)
    await users.tap.next('user.role_granted.v1', id, 5_000)
    await everythingSeen()
    await users.realm.call('DELETE', `/groups/${parent}`)
    expect((await users.tap.next('user.role_revoked.v1', id, 5_000)).data).toMatchObject({ role: 'admin' })
  }, 60_000)

  it('a role that is put into another role', async () => {
    const { id } = await inConsole()
    await known(id)
    const name = unique('boss')
    await users.realm.call('POST', '/roles', { name })
    await users.realm.grant(id, name)
    const { body: admin } = await users.realm.call('GET', '/roles/admin')
    await users.realm.call('POST', `/roles/${name}/composites`, [admin])
    await users.tap.next('user.role_granted.v1', id, 5_000)
    await users.realm.call('DELETE', `/roles/${name}`)
    await users.tap.next('user.role_revoked.v1', id, 5_000)
  })

  it('a change through the API is not published again when it comes back as an event', async () => {
    const username = unique('api')
    const { body } = await users.admin().post('/v1/users', { username, email: `${username}@example.com` })
    await users.admin().patch(`/v1/users/${body.id}`, { name: 'Api' })
    const after = await inConsole()
    await known(after.id)
    expect(typesOf(body.id)).toEqual(['user.created.v1', 'user.updated.v1'])
  })
})

describe('while user-service is away', () => {
  it('what happened in Keycloak meanwhile appears when it is back', async () => {
    const [changed, gone, left] = await Promise.all([inConsole(), inConsole(), inConsole()])
    for (const { id } of [changed, gone, left]) await known(id)
    await signIn(left.username, password, 'test-client', users.realm.name)
    await users.stop()
    const fresh = await inConsole()
    await users.realm.updateUser(changed.id, { lastName: 'Changed' })
    await users.realm.grant(changed.id, 'admin')
    await users.realm.deleteUser(gone.id)
    const { body: sessions } = await users.realm.call<{ id: string }[]>('GET', `/users/${left.id}/sessions`)
    await users.realm.call('DELETE', `/sessions/${sessions[0]?.id}`)
    await signIn(fresh.username, password, 'test-client', users.realm.name)
    await users.start()
    await users.tap.next('user.created.v1', fresh.id)
    await users.tap.next('user.updated.v1', changed.id)
    await users.tap.next('user.role_granted.v1', changed.id)
    await users.tap.next('user.deleted.v1', gone.id)
    await users.tap.next('user.signed_out.v1', left.id)
    await eventually(async () => expect((await shown(fresh.id)).lastLoginAt).not.toBeNull())
    for (const { id } of [fresh, changed, gone, left]) expect(new Set(typesOf(id)).size).toBe(typesOf(id).length)
  })

  it('more events than a page holds are worked off, also from days ago', async () => {
    await users.stop()
    await users.db.query(`update watermarks set at = at - 86400000 where name in ('admin', 'user')`)
    await users.db.query('delete from keycloak_events')
    const { id } = await inConsole()
    for (let round = 0; round < 26; round += 1)
      await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          users.realm.updateUser(id, { lastName: `Round ${round * 20 + index}` }),
        ),
      )
    await users.realm.updateUser(id, { lastName: 'Last' })
    const before = users.tap.all().length
    await users.start()
    await users.tap.next('user.created.v1', id)
    await eventually(async () => expect((await shown(id)).surname).toBe('Last'))
    await eventually(async () => {
      const [row] = await users.db.query<{ count: number }>('select count(*)::int as count from keycloak_events')
      expect(row?.count).toBeGreaterThan(520)
    })
    expect(
      users.tap
        .all()
        .slice(before)
        .filter(({ type }) => type === 'user.created.v1'),
    ).toHaveLength(1)
  }, 60_000)
})

describe('two replicas', () => {
  it('publish a change once, and the other takes over when one ends', async () => {
    const other = await users.another()
    try {
      const { id } = await inConsole()
      await known(id)
      await users.stop()
      const second = await inConsole()
      await users.tap.next('user.created.v1', second.id, 15_000)
      for (const each of [id, second.id]) expect(typesOf(each)).toEqual(['user.created.v1'])
      await users.start()
    } finally {
      await other.stop()
    }
  }, 40_000)
})

describe('reconciliation, where Keycloak keeps no events', () => {
  it('finds new, changed, deleted and group-promoted users', async () => {
    const quiet = await startUsers({ reconcileIntervalMs: 1_000 }, { adminEventsEnabled: false, eventsEnabled: false })
    try {
      const make = async () => {
        const username = unique('quiet')
        return quiet.realm.createUser({ username, email: `${username}@example.com`, firstName: 'Q', lastName: 'Q' })
      }
      const [changed, gone, member] = [await make(), await make(), await make()]
      for (const id of [changed, gone, member]) await quiet.tap.next('user.created.v1', id)
      await quiet.realm.updateUser(changed, { lastName: 'Changed', enabled: false })
      await quiet.realm.deleteUser(gone)
      const group = (await quiet.realm.call('POST', '/groups', { name: 'admins' })).location.split('/').at(-1)
      const { body: admin } = await quiet.realm.call('GET', '/roles/admin')
      await quiet.realm.call('POST', `/groups/${group}/role-mappings/realm`, [admin])
      await quiet.realm.call('PUT', `/users/${member}/groups/${group}`)
      await quiet.tap.next('user.updated.v1', changed)
      await quiet.tap.next('user.disabled.v1', changed)
      await quiet.tap.next('user.deleted.v1', gone)
      await quiet.tap.next('user.role_granted.v1', member)
    } finally {
      await quiet.end()
    }
  }, 60_000)
})

it('joining a group that has a role counts as a change of the user', async () => {
  const { id } = await inConsole()
  await known(id)
  const group = await makeGroup()
  await giveAdmin(group)
  await everythingSeen()
  await users.realm.call('PUT', `/users/${id}/groups/${group}`)
  await users.tap.next('user.role_granted.v1', id, 5_000)
  await users.realm.call('DELETE', `/users/${id}/groups/${group}`)
  await users.tap.next('user.role_revoked.v1', id, 5_000)
})
