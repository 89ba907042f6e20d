import { randomBytes } from 'node:crypto'
import { masterToken, realmAdmin, requestToken } from './realm.ts'
import { testRealm } from './service.ts'
import { eventually } from './wait.ts'

/** A signed-in user. `token` is the access token; all tokens belong to one session. */
export type SignedInUser = {
  id: string
  username: string
  password: string
  token: string
  refreshToken: string
  idToken: string
}

const testClient = 'test-client'
const usersByRole = new Map<string, Promise<SignedInUser>>()

/** Signs in with a password. Keycloak may reject a sign-in that follows the user's previous one too quickly. */
export const signIn = async (username: string, password: string, clientId = testClient, realm = testRealm) => {
  const response = await requestToken(realm, {
    grant_type: 'password',
    client_id: clientId,
    scope: 'openid',
    username,
    password,
  })
  return {
    token: response.access_token,
    refreshToken: response.refresh_token ?? '',
    idToken: response.id_token ?? '',
  }
}

/** Creates a user with these roles and signs them in. The client `clientId` must exist. */
export const createSignedInUser = async (
  roles: string[],
  realm = testRealm,
  clientId = testClient,
): Promise<SignedInUser> => {
  const admin = realmAdmin(realm)
  await admin.ensureClient(testClient, { audience: 'clientele-api' })
  const username = `test-${randomBytes(6).toString('hex')}`
  const password = `Aa1-${randomBytes(12).toString('hex')}`
  const id = await admin.createUser({
    username,
    email: `${username}@example.com`,
    firstName: 'Test',
    lastName: username.slice(5),
    password,
  })
  await admin.revoke(id, `default-roles-${realm}`)
  if (roles.length > 0) await admin.grant(id, ...roles)
  return { id, username, password, ...(await signIn(username, password, clientId, realm)) }
}

const rolesOf = { user: ['user'], admin: ['admin'], nobody: [] as string[] }

/** Returns a signed-in user with a role; `nobody` has none. Each test file has one user per role. */
export const signedInAs = (role: 'user' | 'admin' | 'nobody'): Promise<SignedInUser> => {
  const user = usersByRole.get(role) ?? createSignedInUser(rolesOf[role])
  usersByRole.set(role, user)
  return user
}

/**
 * Tokens that must be rejected. All but `garbage` were issued by Keycloak: an expired access token, one of another issuer, one
 * for another audience, a refresh token and an ID token.
 */
export const badTokens = async (): Promise<
  Record<'garbage' | 'expired' | 'wrongIssuer' | 'wrongAudience' | 'refresh' | 'id', string>
> => {
  const admin = realmAdmin()
  const signedIn = await signedInAs('admin')
  await admin.ensureClient('test-no-audience', {})
  await admin.ensureClient('test-short-lived', {
    audience: 'clientele-api',
    attributes: { 'access.token.lifespan': '1' },
  })
  const short = await createSignedInUser(['admin'], testRealm, 'test-short-lived')
  const other = await createSignedInUser(['admin'], testRealm, 'test-no-audience')
  const { exp } = JSON.parse(Buffer.from(short.token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number }
  await eventually(async () => {
    if (Date.now() / 1000 <= exp) throw new Error('not expired yet')
  })
  return {
    garbage: 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl',
    expired: short.token,
    wrongIssuer: await masterToken(),
    wrongAudience: other.token,
    refresh: signedIn.refreshToken,
    id: signedIn.idToken,
  }
}
