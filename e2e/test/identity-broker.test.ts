import { createHash, randomBytes } from 'node:crypto'
import { testEnv } from '@clientele/platform/testing/database'
import { type KeycloakAdmin, keycloakAdmin } from '@clientele/stack/backing/keycloak-admin'
import { adjustRealm } from '@clientele/stack/backing/realm'

const mark = randomBytes(3).toString('hex')
/** A provider as Okta is one for Clientele's realm: an issuer with a web application, whose people we do not know. */
const provider = `provider-${mark}`
const realm = `broker-${mark}`
const keycloak = testEnv('TEST_KEYCLOAK_URL')
const redirectUri = 'http://localhost:8000/docs/oauth2-redirect.html'
const person = { username: 'okta.person', password: 'Okta-1234', email: 'okta.person@example.com' }
const endpoint = (of: string, name: string) => `${keycloak}/realms/${of}/protocol/openid-connect/${name}`

/** A browser's memory: cookies by path are not told apart, names of the two realms differ. */
const browser = () => {
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

describe('a provider behind Keycloak, as Okta or Google are (S3-05, S3-15, S3-16, S3-18, S3-19)', () => {
  let admin: KeycloakAdmin
  const signIn = () =>
    keycloakAdmin(keycloak, testEnv('TEST_KEYCLOAK_ADMIN_USER'), testEnv('TEST_KEYCLOAK_ADMIN_PASSWORD'))

  beforeAll(async () => {
    admin = await signIn()
    const { password, ...user } = person
    await admin.call('POST', '', {
      realm: provider,
      enabled: true,
      sslRequired: 'none',
      clients: [
        {
          clientId: 'clientele',
          secret: 'secret-of-the-application',
          publicClient: false,
          standardFlowEnabled: true,
          redirectUris: [`${keycloak}/realms/${realm}/broker/okta/endpoint`],
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
    await adjustRealm(
      await signIn(),
      {
        CLIENTELE_PUBLIC_URL: 'http://localhost:8000',
        CLIENTELE_LOGIN_SECRET: 'a',
        CLIENTELE_USER_SERVICE_SECRET: 'b',
      },
      realm,
    )
    // What docs/identity-providers.md has an administrator enter.
    admin = await signIn()
    await admin.call('POST', `/${realm}/identity-provider/instances`, {
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
  }, 60_000)

  afterAll(async () => {
    const last = await signIn()
    await last.call('DELETE', `/${realm}`)
    await last.call('DELETE', `/${provider}`)
  })

  it('lets its people sign in by Authorization Code + PKCE, and they get the role user', async () => {
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
    const visit = browser()
    const { url, page } = await visit(`${endpoint(realm, 'auth')}?${query}`)
    expect(new URL(url).pathname).toContain(`/realms/${provider}/`)
    const action = /action="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const back = new URL((await visit(action, { username: person.username, password: person.password })).url)
    expect(back.searchParams.get('state')).toBe('the-state')

    const answer = await fetch(endpoint(realm, 'token'), {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: 'clientele-console',
        redirect_uri: redirectUri,
        code: back.searchParams.get('code') ?? '',
        code_verifier: verifier,
      }),
    })
    expect(answer.status).toBe(200)
    const tokens = (await answer.json()) as Record<'access_token' | 'id_token', string>
    const claims = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    expect(claims(tokens.id_token)).toMatchObject({ nonce: 'the-nonce' })
    expect(claims(tokens.access_token)).toMatchObject({
      iss: `${keycloak}/realms/${realm}`,
      preferred_username: person.username,
      realm_access: { roles: expect.arrayContaining(['user']) },
    })
    const [known] = (await admin.call('GET', `/${realm}/users?exact=true&email=${person.email}`)) as { id: string }[]
    expect(known?.id).toBe(claims(tokens.access_token).sub)
  }, 60_000)
})
