import { createHash, randomBytes } from 'node:crypto'
import { testEnv } from '@clientele/platform/testing/database'
import { realmAdmin } from '@clientele/platform/testing/realm'
import { createSignedInUser, type SignedInUser } from '@clientele/platform/testing/tokens'

const clientId = 'clientele-console'
const realmUrl = () => `${testEnv('TEST_KEYCLOAK_URL')}/realms/clientele`
const endpoint = (name: string) => `${realmUrl()}/protocol/openid-connect/${name}`

let testUser: SignedInUser
let redirectUri = ''
beforeAll(async () => {
  testUser = await createSignedInUser(['user'])
  const clients = await realmAdmin().call<{ redirectUris: string[] }[]>('GET', `/clients?clientId=${clientId}`)
  redirectUri = (clients.body[0]?.redirectUris[0] ?? '').replace('*', 'docs/oauth2-redirect.html')
})

/** Signs in on Keycloak's login page as a browser does. @returns the URL of the redirect back */
const authorize = async (extra: Record<string, string>): Promise<URL> => {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: 'openid',
    ...extra,
  })
  const page = await fetch(`${endpoint('auth')}?${query}`, { redirect: 'manual' })
  const back = page.headers.get('location')
  if (back) return new URL(back)
  const action = /action="([^"]+)"/.exec(await page.text())?.[1]?.replaceAll('&amp;', '&') ?? ''
  const cookie = page.headers
    .getSetCookie()
    .map((value) => value.split(';')[0])
    .join('; ')
  const body = new URLSearchParams({ username: testUser.username, password: testUser.password })
  const response = await fetch(action, { method: 'POST', redirect: 'manual', headers: { cookie }, body })
  return new URL(response.headers.get('location') ?? '')
}

const exchange = (code: string, verifier: string) =>
  fetch(endpoint('token'), {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code,
      code_verifier: verifier,
    }),
  })

const pkce = () => {
  const verifier = randomBytes(32).toString('base64url')
  const code_challenge = createHash('sha256').update(verifier).digest('base64url')
  return { verifier, challenge: { code_challenge, code_challenge_method: 'S256' } }
}

describe('Authorization Code flow with PKCE', () => {
  it('Keycloak returns state and nonce, and its authorization code works only once', async () => {
    const { verifier, challenge } = pkce()
    const back = await authorize({ ...challenge, state: 'the-state', nonce: 'the-nonce' })
    expect(back.searchParams.get('state')).toBe('the-state')
    const code = back.searchParams.get('code') ?? ''
    const first = await exchange(code, verifier)
    expect(first.status).toBe(200)
    const tokens = (await first.json()) as { id_token: string; expires_in: number; refresh_token: string }
    const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ nonce: 'the-nonce', sub: testUser.id })
    expect(tokens.expires_in).toBeLessThanOrEqual(3_600)
    expect((await exchange(code, verifier)).status).toBe(400)
  })

  it('the access token, a refreshed one too, has the time of the sign-in, which changes of credentials require', async () => {
    const { verifier, challenge } = pkce()
    const code = (await authorize(challenge)).searchParams.get('code') ?? ''
    const signInTime = (token: string) =>
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).auth_time
    const first = (await (await exchange(code, verifier)).json()) as { access_token: string; refresh_token: string }
    expect(signInTime(first.access_token)).toBeGreaterThan(Date.now() / 1000 - 60)
    const refresh = await fetch(endpoint('token'), {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: clientId,
        refresh_token: first.refresh_token,
      }),
    })
    const refreshed = (await refresh.json()) as { access_token: string }
    expect(signInTime(refreshed.access_token)).toBe(signInTime(first.access_token))
  })

  it('Keycloak refuses a code with another verifier, a sign-in without PKCE, and a password grant', async () => {
    const { challenge } = pkce()
    const back = await authorize(challenge)
    expect((await exchange(back.searchParams.get('code') ?? '', pkce().verifier)).status).toBe(400)
    expect((await authorize({})).searchParams.get('error')).toBe('invalid_request')
    const body = new URLSearchParams({
      grant_type: 'password',
      client_id: clientId,
      username: testUser.username,
      password: testUser.password,
    })
    expect((await fetch(endpoint('token'), { method: 'POST', body })).status).toBeGreaterThanOrEqual(400)
  })

  it('an authorization code expires after 300 s at most', async () => {
    const { body } = await realmAdmin().call<{ accessCodeLifespan: number; accessTokenLifespan: number }>('GET', '')
    expect(body.accessCodeLifespan).toBeLessThanOrEqual(300)
    expect(body.accessTokenLifespan).toBe(300)
  })
})
