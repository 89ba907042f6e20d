import { signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { password, startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const [home, elsewhere] = ['198.51.100.1', '203.0.113.9']
type Options = { secret?: string; from?: string; deviceToken?: string }
const login = (username: string, { secret = password, from = home, ...device }: Options = {}) =>
  users.anonymous().post('/v1/auth/login', { username, password: secret, ...device }, { 'x-forwarded-for': from })
const fail = async (username: string, times: number, options: Options = {}): Promise<number[]> => {
  const statuses: number[] = []
  for (let time = 0; time < times; time += 1)
    statuses.push((await login(username, { secret: `wrong ${time}`, ...options })).status)
  return statuses
}
/** Makes the count of all unknown devices what it would be after `failures` failures with every name. */
const setFailures = (failures: number) =>
  users.db.query(`update sign_in_counts set failures = $1 where source_hash = ''`, [failures])
const expectLocked = ({ status, headers, body }: Awaited<ReturnType<typeof login>>) => {
  expect({ status, code: body.code }).toEqual({ status: 429, code: 'locked' })
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(40)
}
const lockOf = async (id: string) => (await users.admin().get(`/v1/users/${id}/lock`)).body

describe('Locks after failed sign-ins', () => {
  it('five failures lock a username, whether it exists or not, and a success resets the count', async () => {
    const { username } = await users.createUser()
    expect(await fail(username, 4)).toEqual([401, 401, 401, 401])
    expect(await login(username)).toMatchObject({ status: 200 })
    for (const name of [username, unique('nobody')]) {
      expect(await fail(name, 5)).toEqual([401, 401, 401, 401, 401])
      expectLocked(await login(` ${name.toUpperCase()} `))
    }
    await users.db.query(`update sign_in_counts set locked_until = now()`)
    expect(await login(username)).toMatchObject({ status: 200 })
  }, 60_000)

  it('guesses from one network lock the username for that network only', async () => {
    const { username } = await users.createUser()
    expect(await fail(username, 5, { from: '2001:db8::1' })).toEqual([401, 401, 401, 401, 401])
    expectLocked(await login(username, { from: '2001:db8::ffff:1' }))
    expect(await login(username, { from: '2001:db8:0:1::1' })).toMatchObject({ status: 200 })
    expect(await login(username)).toMatchObject({ status: 200 })
  }, 30_000)

  it('thirty guesses from many networks lock all devices but those that have signed in before', async () => {
    const { username, email } = await users.createUser()
    const { deviceToken } = (await login(username)).body
    const { deviceToken: otherToken } = (await login((await users.createUser()).username)).body
    for (const name of [username, unique('nobody')]) {
      await fail(name, 1, { from: elsewhere })
      await setFailures(29)
      expect(await fail(name, 2, { from: '203.0.113.10' })).toEqual([401, 429])
      expectLocked(await login(name))
    }
    for (const forged of [otherToken, `${deviceToken}A`, deviceToken.replace('.', '.A'), 'a.b', '.'])
      expectLocked(await login(username, { deviceToken: forged }))
    const known = await login(username, { deviceToken, from: '203.0.113.10' })
    expect(known.status).toBe(200)
    expect(await login(email, { deviceToken: known.body.deviceToken })).toMatchObject({ status: 200 })
  }, 60_000)

  it('a known device is locked after five failures of its own', async () => {
    const { username } = await users.createUser()
    const { deviceToken } = (await login(username)).body
    expect(await fail(username, 5, { deviceToken })).toEqual([401, 401, 401, 401, 401])
    // From now on it is counted as an unknown device.
    expect(await fail(username, 5, { deviceToken })).toEqual([401, 401, 401, 401, 401])
    expectLocked(await login(username, { deviceToken }))
  }, 60_000)

  it('a known device can sign in although guesses at Keycloak have locked the account there', async () => {
    await users.realm.call('PUT', '', { failureFactor: 3 })
    const { id, username } = await users.createUser()
    const { deviceToken } = (await login(username)).body
    await eventually(
      async () => {
        await expect(signIn(username, 'wrong', 'test-client', users.realm.name)).rejects.toThrow('invalid_grant')
        expect(await lockOf(id)).toMatchObject({ locked: true, keycloak: { locked: true } })
      },
      { timeoutMs: 20_000 },
    )
    expect(await login(username)).toMatchObject({ status: 401 })
    expect(await login(username, { deviceToken })).toMatchObject({ status: 200 })
    expect(await lockOf(id)).toMatchObject({ keycloak: { locked: false, failures: 0 } })
    await users.realm.call('PUT', '', { failureFactor: 100 })
  }, 60_000)

  it('names, networks and devices of failed sign-ins are stored as keyed hashes only', async () => {
    const name = unique('secret-name')
    await fail(name, 1, { from: elsewhere })
    const rows = JSON.stringify(await users.db.query('select * from sign_in_counts'))
    expect(rows).toContain('source_hash')
    for (const secret of [name, elsewhere]) expect(rows).not.toContain(secret)
  })
})

describe('The end of a lock', () => {
  const lock = async ({ username, email }: { username: string; email: string }) => {
    for (const name of [username, email]) {
      await fail(name, 1)
      await users.db.query(`update sign_in_counts set failures = 30, locked_until = now() + interval '900 seconds'`)
      expectLocked(await login(name))
    }
  }

  it('an admin sees the locks of a user and lifts them', async () => {
    const user = await users.createUser()
    expect(await lockOf(user.id)).toEqual({
      locked: false,
      api: { lockedUntil: null, lockedSources: 0, failures: 0 },
      keycloak: { locked: false, failures: 0 },
    })
    await lock(user)
    expect(await lockOf(user.id)).toEqual({
      locked: true,
      api: { lockedUntil: expect.any(String), lockedSources: 2, failures: 60 },
      keycloak: { locked: false, failures: expect.any(Number) },
    })
    expect(await users.user().get(`/v1/users/${user.id}/lock`)).toMatchObject({ status: 403 })
    expect(await users.user().delete(`/v1/users/${user.id}/lock`)).toMatchObject({ status: 403 })
    expect(await users.admin().delete(`/v1/users/${user.id}/lock`)).toMatchObject({ status: 204 })
    expect(await lockOf(user.id)).toMatchObject({ locked: false, keycloak: { failures: 0 } })
    expect(await login(user.email)).toMatchObject({ status: 200 })
    const unknown = '/v1/users/00000000-0000-4000-8000-000000000000/lock'
    expect(await users.admin().get(unknown)).toMatchObject({ status: 404 })
    expect(await users.admin().delete(unknown)).toMatchObject({ status: 404 })
  }, 30_000)

  it('a new password that an admin sets lifts the locks of all names of the user', async () => {
    const user = await users.createUser()
    await lock(user)
    await users.admin().patch(`/v1/users/${user.id}`, { password: 'another horse' })
    for (const name of [user.username, user.email])
      expect(await login(name, { secret: 'another horse' })).toMatchObject({ status: 200 })
  }, 30_000)

  it.each([
    ['a new password', 'PUT', (id: string) => `/users/${id}/reset-password`],
    ['an unlock', 'DELETE', (id: string) => `/attack-detection/brute-force/users/${id}`],
  ])(
    '%s in Keycloak’s console lifts the locks of all names of the user within 5 s',
    async (_title, method, path) => {
      const user = await users.createUser()
      await lock(user)
      const secret = method === 'PUT' ? 'another horse' : password
      const body = method === 'PUT' ? { type: 'password', value: secret, temporary: false } : undefined
      await users.realm.call(method, path(user.id), body)
      await eventually(async () => expect(await lockOf(user.id)).toMatchObject({ locked: false }), { timeoutMs: 5_000 })
      for (const name of [user.username, user.email])
        expect(await login(name, { secret })).toMatchObject({ status: 200 })
    },
    30_000,
  )
})
