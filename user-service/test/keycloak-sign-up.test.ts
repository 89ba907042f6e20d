import { createHash, randomBytes } from 'node:crypto'
import { testEnv } from '@clientele/platform/testing/database'
import { signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { browser } from './mail.ts'
import { password, startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers({ signupDefaultRole: 'user', reconcileIntervalMs: 1_000 }, { registrationAllowed: true })
}, 120_000)
afterAll(() => users?.end(), 60_000)

/** Signs up at Keycloak's own page. @returns the id and the username */
const signUpAtKeycloak = async () => {
  const username = unique('page')
  const query = new URLSearchParams({
    client_id: 'clientele-console',
    response_type: 'code',
    scope: 'openid',
    redirect_uri: 'http://localhost:8000/',
    code_challenge: createHash('sha256').update(randomBytes(32)).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const base = `${testEnv('TEST_KEYCLOAK_URL')}/realms/${users.realm.name}/protocol/openid-connect`
  const { open, submit } = browser()
  const page = await open(`${base}/registrations?${query}`)
  await submit(page, {
    username,
    email: `${username}@example.com`,
    password,
    'password-confirm': password,
    firstName: 'Page',
    lastName: 'Person',
  })
  const { id = '' } = (await users.realm.findUser(username)) ?? {}
  expect(id).not.toBe('')
  return { id, username }
}
const rolesInToken = async (username: string): Promise<string[]> => {
  const { token } = await signIn(username, password, 'test-client', users.realm.name)
  return (
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      realm_access?: { roles: string[] }
    }
  ).realm_access?.roles.filter((role) => role === 'user' || role === 'admin') as string[]
}
const untilRoles = (id: string, roles: string[]) =>
  eventually(async () => expect((await users.admin().get(`/v1/users/${id}`)).body).toMatchObject({ roles }), {
    timeoutMs: 10_000,
  })

describe('Sign-up at Keycloak’s own page', () => {
  it('the account has no role until user-service grants the role user, once', async () => {
    await users.stop()
    const { id, username } = await signUpAtKeycloak()
    expect(await rolesInToken(username)).toEqual([])
    await users.start()
    await untilRoles(id, ['user'])
    expect(await rolesInToken(username)).toEqual(['user'])

    expect(await users.admin().delete(`/v1/users/${id}/roles/user`)).toMatchObject({ status: 204 })
    // The next reconciliations read the sign-up in Keycloak's log again.
    const { id: later } = await signUpAtKeycloak()
    await users.db.query('delete from keycloak_events')
    await untilRoles(later, ['user'])
    const seen = await users.realm.createUser({ username: unique('kim'), email: `${unique('kim')}@example.com` })
    await users.events.next('user.created.v1', seen)
    await untilRoles(seen, [])
    expect(await rolesInToken(username)).toEqual([])
  }, 60_000)

  it('the reconciliation grants the role to a user whose sign-up no poll has handled', async () => {
    await users.stop()
    const { id } = await signUpAtKeycloak()
    await users.db.query(`update watermarks set at = $1 where name in ('admin', 'user')`, [Date.now() + 3_600_000])
    await users.start()
    await untilRoles(id, ['user'])
    await users.db.query(`update watermarks set at = $1 where name in ('admin', 'user')`, [Date.now()])
  }, 60_000)

  it('with SIGNUP_DEFAULT_ROLE=none the account gets no role, also after the setting has changed', async () => {
    await users.stop()
    const strict = await users.startReplica({ signupDefaultRole: 'none' })
    const { id, username } = await signUpAtKeycloak()
    await users.events.next('user.created.v1', id)
    await strict.stop()
    await users.start()
    const { id: later } = await signUpAtKeycloak()
    await untilRoles(later, ['user'])
    await untilRoles(id, [])
    expect(await rolesInToken(username)).toEqual([])
  }, 60_000)
})
