import { createHash, randomBytes } from 'node:crypto'
import { testEnv } from '@clientele/platform/testing/database'
import { realmAdmin } from '@clientele/platform/testing/realm'
import { newPerson, type SignedIn } from '@clientele/platform/testing/tokens'

const clientId = 'clientele-console'
const realmUrl = () => `${testEnv('TEST_KEYCLOAK_URL')}/realms/clientele`
const endpoint = (name: string) => `${realmUrl()}/protocol/openid-connect/${name}`

let person: SignedIn
let redirectUri = ''
beforeAll(async () => {
  person = await newPerson(['user'])
  const clients = await realmAdmin().call<{ redirectUris: string[] }[]>('GET', `/clients?clientId=${clientId}`)
  redirectUri = (clients.body[0]?.redirectUris[0] ?? '').replace('*', 'docs/oauth2-redirect.html')
})

/** Signs in at Keycloak's page as a browser does, up to the redirect back. */
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
  const body = new URLSearchParams({ username: person.username, password: person.password })
  const answer = await fetch(action, { method: 'POST', redirect: 'manual', headers: { cookie }, body })
  return new URL(answer.headers.get('location') ?? '')
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

describe('Authorization Code + PKCE (S3-16, S3-17, S3-19, S3-20)', () => {
  it('gives state and nonce back, and a code that works once', async () => {
    const { verifier, challenge } = pkce()
    const back = await authorize({ ...challenge, state: 'the-state', nonce: 'the-nonce' })
    expect(back.searchParams.get('state')).toBe('the-state')
    const code = back.searchParams.get('code') ?? ''
    const first = await exchange(code, verifier)
    expect(first.status).toBe(200)
    const tokens = (await first.json()) as { id_token: string; expires_in: number; refresh_token: string }
    const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ nonce: 'the-nonce', sub: person.id })
    expect(tokens.expires_in).toBeLessThanOrEqual(3_600)
    expect((await exchange(code, verifier)).status).toBe(400)
  })

  it('refuses a code with another verifier, and a sign-in without PKCE or by password', async () => {
    const { challenge } = pkce()
    const back = await authorize(challenge)
    expect((await exchange(back.searchParams.get('code') ?? '', pkce().verifier)).status).toBe(400)
    expect((await authorize({})).searchParams.get('error')).toBe('invalid_request')
    const body = new URLSearchParams({
      grant_type: 'password',
      client_id: clientId,
      username: person.username,
      password: person.password,
    })
    expect((await fetch(endpoint('token'), { method: 'POST', body })).status).toBeGreaterThanOrEqual(400)
  })

  it('lets a code live 300 s at most', async () => {
    const { body } = await realmAdmin().call<{ accessCodeLifespan: number; accessTokenLifespan: number }>('GET', '')
    expect(body.accessCodeLifespan).toBeLessThanOrEqual(300)
    expect(body.accessTokenLifespan).toBe(300)
  })
})
