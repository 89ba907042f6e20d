import { readFileSync } from 'node:fs'
import { testEnv } from '@clientele/platform/testing/database'
import { realmFile } from '../src/backing/keycloak.ts'
import { grantRole, type KeycloakAdmin, signInAsKeycloakAdmin } from '../src/backing/keycloak-admin.ts'
import { adjustRealm, createDemoAccounts, demoAccounts } from '../src/backing/realm.ts'

// Its own realm, because other tests use the shared one.
const realm = `clientele-${Math.random().toString(36).slice(2, 8)}`
const secrets = { login: 'login-secret-of-this-test', userService: 'user-service-secret-of-this-test' }
const base = () => `${testEnv('TEST_KEYCLOAK_URL')}/realms/${realm}`

const token = async (fields: Record<string, string>) => {
  const response = await fetch(`${base()}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams(fields),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const signIn = (username: string, password: string) =>
  token({
    grant_type: 'password',
    client_id: 'clientele-login',
    client_secret: secrets.login,
    username,
    password,
  })

const claimsOf = (jwt: unknown): Record<string, unknown> =>
  JSON.parse(Buffer.from(String(jwt).split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

const rolesOf = (jwt: unknown): string[] => (claimsOf(jwt).realm_access as { roles: string[] } | undefined)?.roles ?? []

describe('The realm file', () => {
  let admin: KeycloakAdmin
  const values = {
    CLIENTELE_SMTP_PORT: testEnv('TEST_SMTP_PORT'),
    CLIENTELE_LOGIN_SECRET: secrets.login,
    CLIENTELE_USER_SERVICE_SECRET: secrets.userService,
  }
  const find = async (username: string) =>
    ((await admin.call('GET', `/${realm}/users?exact=true&username=${username}`)) as { id: string }[])[0]?.id ?? ''

  beforeAll(async () => {
    const [user, password] = [testEnv('TEST_KEYCLOAK_ADMIN_USER'), testEnv('TEST_KEYCLOAK_ADMIN_PASSWORD')]
    admin = await signInAsKeycloakAdmin(testEnv('TEST_KEYCLOAK_URL'), user, password)
    await adjustRealm(admin, values, realm)
  })
  afterAll(async () => {
    await admin.call('DELETE', `/${realm}`)
  })

  const newUser = async (more: Record<string, unknown> = {}) => {
    const username = `realm-${Math.random().toString(36).slice(2)}`
    const credentials = [{ type: 'password', value: 'A-good-password-1', temporary: false }]
    const user = { username, email: `${username}@example.com`, enabled: true, credentials, ...more }
    await admin.call('POST', `/${realm}/users`, user)
    return username
  }

  it('the realm file contains no secret and no user', () => {
    const file = JSON.parse(readFileSync(realmFile, 'utf8')) as {
      clients: { secret?: string }[]
      users: { username: string }[]
      smtpServer: { password: string }
    }
    for (const { secret } of file.clients) if (secret) expect(secret).toMatch(/^\$\{[A-Z_]+\}$/)
    expect(file.users.map(({ username }) => username)).toEqual(['service-account-clientele-user-service'])
    expect(file.smtpServer.password).toMatch(/^\$\{CLIENTELE_SMTP_PASSWORD:\}$/)
  })

  it('a new account has no role of the product', async () => {
    const { body } = await signIn(await newUser(), 'A-good-password-1')
    expect(rolesOf(body.access_token)).not.toContain('user')
    expect(rolesOf(body.access_token)).not.toContain('admin')
  })

  it('a user with the role user gets a token with audience, roles and identity', async () => {
    const username = await newUser({ firstName: 'Ana', lastName: 'Lovelace' })
    await grantRole(admin, realm, await find(username), 'user')
    const { body } = await signIn(username, 'A-good-password-1')
    const claims = claimsOf(body.access_token)
    expect(claims).toMatchObject({
      iss: base(),
      aud: 'clientele-api',
      typ: 'Bearer',
      sub: await find(username),
      email: `${username}@example.com`,
      preferred_username: username,
      name: 'Ana Lovelace',
      realm_access: { roles: expect.arrayContaining(['user']) },
    })
    expect(Number(claims.exp) - Number(claims.iat)).toBe(300)
  })

  it('a user without first and last name can sign in', async () => {
    expect((await signIn(await newUser(), 'A-good-password-1')).status).toBe(200)
  })

  it('a refresh token can be used once', async () => {
    const { body } = await signIn(await newUser(), 'A-good-password-1')
    const refresh = () =>
      token({
        grant_type: 'refresh_token',
        client_id: 'clientele-login',
        client_secret: secrets.login,
        refresh_token: String(body.refresh_token),
      })
    expect((await refresh()).status).toBe(200)
    expect((await refresh()).status).toBe(400)
  })

  it('Keycloak refuses a short password', async () => {
    const credentials = [{ type: 'password', value: '12345', temporary: false }]
    await expect(newUser({ credentials })).rejects.toThrow('400')
  })

  it('the console client requires PKCE with S256 and refuses other redirect URIs', async () => {
    const authorize = (more: Record<string, string>) => {
      const query = new URLSearchParams({
        client_id: 'clientele-console',
        response_type: 'code',
        scope: 'openid',
        redirect_uri: 'http://localhost:8000/docs/oauth2-redirect.html',
        ...more,
      })
      return fetch(`${base()}/protocol/openid-connect/auth?${query}`, { redirect: 'manual' })
    }
    const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    expect((await authorize({ code_challenge: challenge, code_challenge_method: 'S256' })).status).toBe(200)
    expect((await authorize({})).headers.get('location')).toContain('error=invalid_request')
    expect(
      (await authorize({ code_challenge: challenge, code_challenge_method: 'plain' })).headers.get('location'),
    ).toContain('error=')
    const otherRedirect = {
      code_challenge: challenge,
      code_challenge_method: 'S256',
      redirect_uri: 'https://evil.example/',
    }
    expect((await authorize(otherRedirect)).status).toBe(400)
    const belowPublicUrl = { ...otherRedirect, redirect_uri: 'http://localhost:8000/docs/other.html' }
    expect((await authorize(belowPublicUrl)).status).toBe(400)
  })

  it('Keycloak refuses the password grant for the console client, and the registration of clients', async () => {
    const username = await newUser()
    const fields = { grant_type: 'password', client_id: 'clientele-console', username, password: 'A-good-password-1' }
    expect((await token(fields)).body.error).toBe('unauthorized_client')
    const registration = await fetch(`${base()}/clients-registrations/openid-connect`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: ['https://evil.example/'] }),
    })
    expect(registration.status).toBe(403)
  })

  it('Keycloak refuses a common password, whatever its capitals', async () => {
    for (const value of ['Password1', 'qwertyuiop', 'CLIENTELE'])
      await expect(newUser({ credentials: [{ type: 'password', value, temporary: false }] })).rejects.toThrow(
        'invalidPasswordBlacklistedMessage',
      )
  })

  it('only clientele-login takes passwords, and the account console still opens', async () => {
    const clients = (await admin.call('GET', `/${realm}/clients`)) as {
      clientId: string
      directAccessGrantsEnabled: boolean
    }[]
    const taking = clients.filter(({ directAccessGrantsEnabled }) => directAccessGrantsEnabled)
    expect(taking.map(({ clientId }) => clientId)).toEqual(['clientele-login'])
    const username = await newUser()
    const fields = { grant_type: 'password', client_id: 'admin-cli', username, password: 'A-good-password-1' }
    expect((await token(fields)).body.error).toBe('unauthorized_client')
    expect((await fetch(`${base()}/account/`)).status).toBe(200)
    const query = new URLSearchParams({
      client_id: 'account-console',
      response_type: 'code',
      scope: 'openid',
      redirect_uri: `${base()}/account/`,
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })
    expect((await fetch(`${base()}/protocol/openid-connect/auth?${query}`, { redirect: 'manual' })).status).toBe(200)
  })

  it('nobody gets an offline token by default', async () => {
    const [username, password] = [await newUser(), 'A-good-password-1']
    const client = { client_id: 'clientele-login', client_secret: secrets.login }
    const fields = { grant_type: 'password', scope: 'openid offline_access', username, password }
    expect((await token({ ...fields, ...client })).body.error).toBe('invalid_scope')
    const roles = (await admin.call(
      'GET',
      `/${realm}/users/${await find(username)}/role-mappings/realm/composite`,
    )) as {
      name: string
    }[]
    expect(roles.map(({ name }) => name)).not.toContain('offline_access')
  })

  it('the service account of user-service has roles for users and events only', async () => {
    const secret = secrets.userService
    const fields = { grant_type: 'client_credentials', client_id: 'clientele-user-service', client_secret: secret }
    const jwt = (await token(fields)).body.access_token
    const access = claimsOf(jwt).resource_access as Record<string, { roles: string[] }>
    expect(access['realm-management']?.roles.toSorted()).toEqual([
      'manage-users',
      'query-groups',
      'query-users',
      'view-events',
      'view-users',
    ])
    const clients = await fetch(`${testEnv('TEST_KEYCLOAK_URL')}/admin/realms/${realm}/clients`, {
      headers: { authorization: `Bearer ${String(jwt)}` },
    })
    expect(clients.status).toBe(403)
  })

  it('demo accounts can sign in although their passwords break the policy, and have their roles', async () => {
    await createDemoAccounts(admin, realm)
    for (const { username, password, role } of demoAccounts) {
      const { status, body } = await signIn(username, password)
      expect(status).toBe(200)
      expect(rolesOf(body.access_token)).toContain(role)
    }
  })

  it('a front end of FRONT_END_ORIGINS may sign in until it is taken from the list, and what an owner added stays', async () => {
    type Console = { id: string; redirectUris: string[]; webOrigins: string[] }
    const consoleClient = async () =>
      ((await admin.call('GET', `/${realm}/clients?clientId=clientele-console`)) as [Console])[0]
    const before = await consoleClient()
    const own = 'https://own.example.com/'
    const redirectUris = [...before.redirectUris, own]
    await admin.call('PUT', `/${realm}/clients/${before.id}`, { ...before, redirectUris })
    const FRONT_END_ORIGINS = 'http://localhost:5173, https://app.example.com'
    expect(await adjustRealm(admin, { ...values, FRONT_END_ORIGINS }, realm)).toEqual([
      'clientele-console: front ends: http://localhost:5173, https://app.example.com',
    ])
    const { redirectUris: added, webOrigins } = await consoleClient()
    expect(added.toSorted()).toEqual(
      [
        ...redirectUris,
        'http://localhost:5173/',
        'http://localhost:5173/callback',
        'https://app.example.com/',
        'https://app.example.com/callback',
      ].toSorted(),
    )
    expect(webOrigins).toEqual(expect.arrayContaining([...before.webOrigins, 'http://localhost:5173']))
    expect(await adjustRealm(admin, { ...values, FRONT_END_ORIGINS }, realm)).toEqual([])
    const page = (redirectUri: string) =>
      fetch(
        `${base()}/protocol/openid-connect/auth?${new URLSearchParams({
          client_id: 'clientele-console',
          redirect_uri: redirectUri,
          response_type: 'code',
          code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
          code_challenge_method: 'S256',
        })}`,
      ).then(({ status }) => status)
    expect(await page('http://localhost:5173/callback')).toBe(200)
    expect(await page('http://localhost:5173/other')).toBe(400)
    await adjustRealm(admin, values, realm)
    const after = await consoleClient()
    expect([after.redirectUris.toSorted(), after.webOrigins]).toEqual([redirectUris.toSorted(), before.webOrigins])
    expect(await page('http://localhost:5173/callback')).toBe(400)
    await admin.call('PUT', `/${realm}/clients/${after.id}`, { ...after, redirectUris: before.redirectUris })
  })

  it('a client that is made in the console gets tokens with our audience by itself', async () => {
    const clientId = `fresh-${Math.random().toString(36).slice(2, 8)}`
    await admin.call('POST', `/${realm}/clients`, { clientId, publicClient: false, serviceAccountsEnabled: true })
    const [client] = (await admin.call('GET', `/${realm}/clients?clientId=${clientId}`)) as [{ secret: string }]
    const fields = { grant_type: 'client_credentials', client_id: clientId, client_secret: client.secret }
    const { body } = await token(fields)
    expect([claimsOf(body.access_token).aud].flat()).toContain('clientele-api')
  })

  it("Keycloak's own clients and the service account of user-service get no tokens with our audience", async () => {
    const clients = (await admin.call('GET', `/${realm}/clients`)) as {
      clientId: string
      defaultClientScopes: string[]
    }[]
    const ids = clients.filter((client) => client.defaultClientScopes.includes('clientele-api'))
    expect(clients.length).toBeGreaterThan(8)
    expect(ids.map(({ clientId }) => clientId.replace(/-.*/, ''))).toEqual(['fresh'])
  })

  it('FRONT_END_ORIGINS with a path is refused', async () => {
    const FRONT_END_ORIGINS = 'https://app.example.com/login'
    await expect(adjustRealm(admin, { ...values, FRONT_END_ORIGINS }, realm)).rejects.toThrow(/is not an origin/)
  })

  it('adjustRealm sets the redirect URIs of the console client to the new public URL', async () => {
    const redirectUris = async () =>
      (
        (await admin.call('GET', `/${realm}/clients?clientId=clientele-console`)) as { redirectUris: string[] }[]
      )[0]?.redirectUris.toSorted()
    const before = await redirectUris()
    await adjustRealm(admin, { ...values, CLIENTELE_PUBLIC_URL: 'http://localhost:9999' }, realm)
    expect(await redirectUris()).toEqual(before?.map((url) => url.replace('8000', '9999')))
    await adjustRealm(admin, { ...values, CLIENTELE_PUBLIC_URL: 'http://localhost:8000' }, realm)
    expect(await redirectUris()).toEqual(before)
  })
})
