import { client } from '@clientele/platform/testing/client'
import { requestToken } from '@clientele/platform/testing/realm'
import { eventually } from '@clientele/platform/testing/wait'
import { createAccountCreation } from '../src/accounts/account-creation.ts'
import { createEmailLinks } from '../src/email/email-links.ts'
import { createAdminApi } from '../src/keycloak/admin-api.ts'
import { createKeycloakUsers } from '../src/keycloak/keycloak-users.ts'
import { defineModels } from '../src/models.ts'
import { createUserSync } from '../src/users/user-sync.ts'
import { startKeycloakProxy } from './keycloak-proxy.ts'
import { secrets } from './realm.ts'
import { startServiceProcess } from './service-process.ts'
import { password, startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
let proxy: Awaited<ReturnType<typeof startKeycloakProxy>>
beforeAll(async () => {
  users = await startUsers({ signupDefaultRole: 'none' })
  // As in realms of earlier versions: every account is created with the role user.
  const { body: role } = await users.realm.call('GET', '/roles/user')
  await users.realm.call('POST', `/roles/default-roles-${users.realm.name}/composites`, [role])
  proxy = await startKeycloakProxy()
}, 120_000)
afterAll(async () => {
  proxy?.close()
  await users?.end()
}, 60_000)

const newEmail = () => `${unique('race')}@example.com`

/** Signs in at Keycloak. @returns the roles in the access token, or undefined if Keycloak refuses */
const rolesAtKeycloak = async (username: string, secret = password): Promise<string[] | undefined> => {
  const fields = {
    grant_type: 'password',
    client_id: 'clientele-login',
    client_secret: secrets.CLIENTELE_LOGIN_SECRET,
    username,
    password: secret,
  }
  const token = await requestToken(users.realm.name, fields).catch(() => undefined)
  if (!token) return undefined
  const claims = JSON.parse(Buffer.from(token.access_token.split('.')[1] ?? '', 'base64url').toString()) as {
    realm_access?: { roles: string[] }
  }
  return claims.realm_access?.roles ?? []
}
const accountOf = async (email: string) =>
  (
    await users.realm.call<{ id: string; enabled: boolean }[]>(
      'GET',
      `/users?exact=true&email=${encodeURIComponent(email)}`,
    )
  ).body[0]
const creations = (email: string) => users.db.query('select 1 from account_creations where email = $1', [email])

describe('Sign-up without a default role', () => {
  it('a user who signs in while the sign-up is in progress never gets a role', async () => {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const email = newEmail()
      let running = true
      const signUp = users
        .anonymous()
        .post('/v1/auth/signup', { email, password })
        .finally(() => {
          running = false
        })
      const seen: string[][] = []
      while (running) {
        const roles = await rolesAtKeycloak(email)
        if (roles) seen.push(roles)
      }
      expect(await signUp).toMatchObject({ status: 202 })
      await eventually(async () => expect(await rolesAtKeycloak(email)).toEqual([]))
      for (const roles of seen) expect(roles).toEqual([])
    }
  }, 60_000)
})

describe('A process that is killed while it creates an account', () => {
  const steps: [string, (method: string, path: string) => boolean][] = [
    ['before the account has its roles', (method, path) => method === 'GET' && /role-mappings/.test(path)],
    ['before the account is enabled', (method, path) => method === 'PUT' && /\/users\/[^/]+$/.test(path)],
  ]
  it.each(steps)(
    'a sign-up that is interrupted %s leaves no usable account, and can be repeated at once',
    async (_step, match) => {
      const email = newEmail()
      const interrupted = await startServiceProcess(users, proxy.url)
      const arrived = proxy.holdNext(match)
      const response = client(interrupted.url)
        .post('/v1/auth/signup', { email, password: 'the first password' })
        .catch(() => undefined)
      await arrived
      await interrupted.kill()
      await response
      expect(await accountOf(email)).toMatchObject({ enabled: false })
      expect(await rolesAtKeycloak(email, 'the first password')).toBeUndefined()

      expect(await users.anonymous().post('/v1/auth/signup', { email, password })).toMatchObject({ status: 202 })
      expect(await rolesAtKeycloak(email, 'the first password')).toBeUndefined()
      await eventually(async () => expect(await rolesAtKeycloak(email)).toEqual([]))
      const { id } = (await accountOf(email)) ?? { id: '' }
      await users.events.next('user.created.v1', id)
      const about = users.events.all().filter(({ data }) => JSON.stringify(data).includes(email))
      expect(about.map(({ type }) => type)).toEqual(['user.created.v1'])
      expect(await creations(email)).toEqual([])
    },
    90_000,
  )

  it('an account that an interrupted creation has left is never listed, and removed after a minute', async () => {
    const username = unique('left')
    const email = `${username}@example.com`
    const interrupted = await startServiceProcess(users, proxy.url)
    const arrived = proxy.holdNext((method, path) => method === 'PUT' && /\/users\/[^/]+$/.test(path))
    const response = client(interrupted.url, users.accounts.admin.token)
      .post('/v1/users', { username, email, password, roles: ['admin'] })
      .catch(() => undefined)
    await arrived
    await interrupted.kill()
    await response
    const { id } = (await accountOf(email)) ?? { id: '' }
    await users.realm.updateUser(id, { firstName: 'Seen' })

    const models = defineModels(users.db.sequelize)
    const keycloakUsers = createKeycloakUsers(createAdminApi(users.config))
    const emailLinks = createEmailLinks({
      db: users.db,
      emailLinks: models.emailLinks,
      mailer: undefined,
      publicUrl: 'http://localhost',
    })
    const sync = createUserSync({ db: users.db, models, keycloakUsers, emailLinks })
    const accountCreation = createAccountCreation({ db: users.db, models, keycloakUsers, sync })
    expect(await sync.syncUser(id, { id: 'test', displayName: 'Test' })).toBeUndefined()
    await accountCreation.cleanup()
    expect(await accountOf(email)).toMatchObject({ id })
    await users.db.query(`update account_creations set created_at = created_at - interval '61 s' where email = $1`, [
      email,
    ])
    await accountCreation.cleanup()
    expect(await accountOf(email)).toBeUndefined()
    expect(await creations(email)).toEqual([])
    expect(users.events.all().filter(({ subject }) => subject === id)).toEqual([])
  }, 90_000)

  it('an account that an administrator has disabled is not taken for one of an interrupted creation', async () => {
    const username = unique('disabled')
    const email = `${username}@example.com`
    const { body } = await users.admin().post('/v1/users', { username, email, password })
    await users.admin().patch(`/v1/users/${body.id}`, { enabled: false })
    await users.db.query('insert into account_creations (id, username, email) values (gen_random_uuid(), $1, $2)', [
      username,
      email,
    ])
    expect(await users.anonymous().post('/v1/auth/signup', { email, password })).toMatchObject({ status: 202 })
    expect(await users.admin().post('/v1/users', { username, email })).toMatchObject({
      status: 409,
      body: { conflictingId: body.id },
    })
    expect(await accountOf(email)).toMatchObject({ id: body.id, enabled: false })
  })
})
