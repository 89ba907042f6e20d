import { readFileSync } from 'node:fs'
import { testEnv } from '@clientele/platform/testing/database'
import { realmFile } from '../src/backing/keycloak.ts'
import { type KeycloakAdmin, keycloakAdmin } from '../src/backing/keycloak-admin.ts'
import { adjustRealm, createDemoAccounts, demoAccounts } from '../src/backing/realm.ts'

// A realm of its own: others work on the one that the tests share.
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

describe('the realm file (S0-06, S0-07, S2-01, S2-03, S3-05)', () => {
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
    admin = await keycloakAdmin(testEnv('TEST_KEYCLOAK_URL'), user, password)
    await adjustRealm(admin, values, realm)
  })
  afterAll(async () => {
    await admin.call('DELETE', `/${realm}`)
  })

  const newUser = async (more: Record<string, unknown> = {}) => {
    const username = `realm-${Math.random().toString(36).slice(2)}`
    const credentials = [{ type: 'password', value: 'A-good-password-1', temporary: false }]
    const person = { username, email: `${username}@example.com`, enabled: true, credentials, ...more }
    await admin.call('POST', `/${realm}/users`, person)
    return username
  }

  it('holds no secret and no person', () => {
    const file = JSON.parse(readFileSync(realmFile, 'utf8')) as {
      clients: { secret?: string }[]
      users: { username: string }[]
      smtpServer: { password: string }
    }
    for (const { secret } of file.clients) if (secret) expect(secret).toMatch(/^\$\{[A-Z_]+\}$/)
    expect(file.users.map(({ username }) => username)).toEqual(['service-account-clientele-user-service'])
    expect(file.smtpServer.password).toMatch(/^\$\{CLIENTELE_SMTP_PASSWORD:\}$/)
  })

  it('gives everybody the role user, and a token with audience, roles and identity', async () => {
    const username = await newUser({ firstName: 'Ana', lastName: 'Lovelace' })
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
      realm_access: { roles: ['user'] },
    })
    expect(Number(claims.exp) - Number(claims.iat)).toBe(300)
  })

  it('lets a person without first and last name sign in', async () => {
    expect((await signIn(await newUser(), 'A-good-password-1')).status).toBe(200)
  })

  it('takes a refresh token once', async () => {
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

  it('refuses a short password', async () => {
    const credentials = [{ type: 'password', value: '12345', temporary: false }]
    await expect(newUser({ credentials })).rejects.toThrow('400')
  })

  it('wants PKCE with S256 from the console client, and no other redirect address', async () => {
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
    const elsewhere = {
      code_challenge: challenge,
      code_challenge_method: 'S256',
      redirect_uri: 'https://evil.example/',
    }
    expect((await authorize(elsewhere)).status).toBe(400)
  })

  it('does not take a password through the console client, nor a registration of clients by anybody', async () => {
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

  it('gives user-service the rights over people and nothing more', async () => {
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

  it('demo accounts sign in with passwords that the policy would refuse, and the admin is one', async () => {
    await createDemoAccounts(admin, realm)
    for (const { username, password, role } of demoAccounts) {
      const { status, body } = await signIn(username, password)
      expect(status).toBe(200)
      expect((claimsOf(body.access_token).realm_access as { roles: string[] }).roles).toContain(role)
    }
  })

  it('a moved gateway is followed by the console client', async () => {
    const redirectUris = async () =>
      ((await admin.call('GET', `/${realm}/clients?clientId=clientele-console`)) as { redirectUris: string[] }[])[0]
        ?.redirectUris
    const before = await redirectUris()
    await adjustRealm(admin, { ...values, CLIENTELE_PUBLIC_URL: 'http://localhost:9999' }, realm)
    expect(await redirectUris()).toEqual(['http://localhost:9999/*'])
    await adjustRealm(admin, { ...values, CLIENTELE_PUBLIC_URL: 'http://localhost:8000' }, realm)
    expect(await redirectUris()).toEqual(before)
  })
})
