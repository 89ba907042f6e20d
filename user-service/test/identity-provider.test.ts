import { createHash, randomBytes } from 'node:crypto'
import { testEnv } from '@clientele/platform/testing/database'
import { masterToken } from '@clientele/platform/testing/realm'
import { eventually } from '@clientele/platform/testing/wait'
import { startUsers, type UsersService } from './users-service.ts'

const suffix = randomBytes(3).toString('hex')
/** A second realm that stands for an external identity provider such as Okta: an issuer with a web application and a user. */
const provider = `provider-${suffix}`
const keycloak = testEnv('TEST_KEYCLOAK_URL')
const redirectUri = 'http://localhost:8000/docs/oauth2-redirect.html'
const testUser = { username: 'okta.person', password: 'Okta-1234', email: 'okta.person@example.com' }
const endpoint = (of: string, name: string) => `${keycloak}/realms/${of}/protocol/openid-connect/${name}`

/** A minimal browser that follows redirects and keeps cookies for each realm. */
const createBrowser = () => {
  const jars = new Map<string, Map<string, string>>()
  const jarOf = (url: string) => {
    const key = new URL(url).pathname.split('/')[2] ?? ''
    const jar = jars.get(key) ?? new Map<string, string>()
    jars.set(key, jar)
    return jar
  }
  const visit = async (url: string, form?: Record<string, string>): Promise<{ url: string; page: string }> => {
    const cookie = [...jarOf(url)].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      jarOf(url).set(name, value)
    }
    const location = response.headers.get('location')
    if (!location) return { url, page: await response.text() }
    const next = new URL(location, url).href
    return next.startsWith(redirectUri) ? { url: next, page: '' } : visit(next)
  }
  return visit
}

const callKeycloak = async (method: string, path: string, body?: unknown): Promise<void> => {
  const response = await fetch(`${keycloak}/admin/realms${path}`, {
    method,
    headers: { authorization: `Bearer ${await masterToken()}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(60_000),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
}

describe('An external identity provider behind Keycloak', () => {
  let users: UsersService

  beforeAll(async () => {
    users = await startUsers({ signupDefaultRole: 'user' })
    const { password, ...user } = testUser
    await callKeycloak('POST', '', {
      realm: provider,
      enabled: true,
      sslRequired: 'none',
      clients: [
        {
          clientId: 'clientele',
          secret: 'secret-of-the-application',
          publicClient: false,
          standardFlowEnabled: true,
          redirectUris: [`${keycloak}/realms/${users.realm.name}/broker/okta/endpoint`],
        },
      ],
      users: [
        {
          ...user,
          enabled: true,
          emailVerified: true,
          firstName: 'Okta',
          lastName: 'Person',
          credentials: [{ type: 'password', value: password, temporary: false }],
        },
      ],
    })
    // The fields of docs/identity-providers.md.
    await users.realm.call('POST', '/identity-provider/instances', {
      alias: 'okta',
      displayName: 'Okta',
      providerId: 'oidc',
      enabled: true,
      trustEmail: true,
      storeToken: false,
      config: {
        clientId: 'clientele',
        clientSecret: 'secret-of-the-application',
        clientAuthMethod: 'client_secret_basic',
        issuer: `${keycloak}/realms/${provider}`,
        authorizationUrl: endpoint(provider, 'auth'),
        tokenUrl: endpoint(provider, 'token'),
        jwksUrl: endpoint(provider, 'certs'),
        useJwksUrl: 'true',
        validateSignature: 'true',
        defaultScope: 'openid profile email',
        syncMode: 'FORCE',
        pkceEnabled: 'true',
        pkceMethod: 'S256',
      },
    })
  }, 120_000)

  afterAll(async () => {
    await users?.end()
    await callKeycloak('DELETE', `/${provider}`)
  }, 60_000)

  it('a user of the provider signs in with Authorization Code and PKCE and gets the role user', async () => {
    const realm = users.realm.name
    const verifier = randomBytes(32).toString('base64url')
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: 'clientele-console',
      redirect_uri: redirectUri,
      scope: 'openid',
      state: 'the-state',
      nonce: 'the-nonce',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      kc_idp_hint: 'okta',
    })
    const visit = createBrowser()
    const { url, page } = await visit(`${endpoint(realm, 'auth')}?${query}`)
    expect(new URL(url).pathname).toContain(`/realms/${provider}/`)
    const action = /action="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const back = new URL((await visit(action, { username: testUser.username, password: testUser.password })).url)
    expect(back.searchParams.get('state')).toBe('the-state')

    type TokenSet = Record<'access_token' | 'id_token' | 'refresh_token', string>
    const requestTokens = async (fields: Record<string, string>): Promise<TokenSet> => {
      const body = new URLSearchParams({ client_id: 'clientele-console', ...fields })
      const response = await fetch(endpoint(realm, 'token'), { method: 'POST', body })
      expect(response.status).toBe(200)
      return (await response.json()) as TokenSet
    }
    let tokens = await requestTokens({
      grant_type: 'authorization_code',
      redirect_uri: redirectUri,
      code: back.searchParams.get('code') ?? '',
      code_verifier: verifier,
    })
    const claims = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    expect(claims(tokens.id_token)).toMatchObject({ nonce: 'the-nonce' })
    expect(claims(tokens.access_token)).toMatchObject({
      iss: `${keycloak}/realms/${realm}`,
      preferred_username: testUser.username,
    })
    const { sub } = claims(tokens.access_token)
    expect((await users.realm.findUser(testUser.username))?.id).toBe(sub)

    // user-service grants the role when it has seen the first sign-in. The next refresh shows it.
    const granted = async () =>
      expect((await users.admin().get(`/v1/users/${sub}`)).body).toMatchObject({ roles: ['user'] })
    await eventually(granted, { timeoutMs: 15_000 })
    tokens = await requestTokens({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
    expect(claims(tokens.access_token).realm_access.roles).toContain('user')
    expect(await users.as(tokens.access_token).get('/v1/users/me')).toMatchObject({ status: 200 })
  }, 60_000)
})
