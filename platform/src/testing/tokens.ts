import { randomBytes } from 'node:crypto'
import { masterToken, realmAdmin, requestToken } from './realm.ts'
import { testRealm } from './service.ts'
import { eventually } from './wait.ts'

/** Somebody signed in. `refreshToken` and `idToken` are of the same session. */
export type SignedIn = {
  id: string
  username: string
  password: string
  token: string
  refreshToken: string
  idToken: string
}

const testClient = 'test-client'
const known = new Map<string, Promise<SignedIn>>()

/** Signs in by password at the realm. Keycloak may refuse somebody whose last sign-in it has not noted yet. */
export const signIn = async (username: string, password: string, clientId = testClient, realm = testRealm) => {
  const answer = await requestToken(realm, {
    grant_type: 'password',
    client_id: clientId,
    scope: 'openid',
    username,
    password,
  })
  return { token: answer.access_token, refreshToken: answer.refresh_token ?? '', idToken: answer.id_token ?? '' }
}

/** A new person in the realm with these roles, signed in at a client that is there. */
export const newPerson = async (roles: string[], realm = testRealm, clientId = testClient): Promise<SignedIn> => {
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

/** A token of a person with that role; the same person within a test file. */
export const tokenFor = (role: 'user' | 'admin' | 'nobody'): Promise<SignedIn> => {
  const person = known.get(role) ?? newPerson(rolesOf[role])
  known.set(role, person)
  return person
}

/** Tokens that must be refused, each real but one: of another issuer, another audience, expired, of the wrong kind. */
export const badTokens = async (): Promise<
  Record<'garbage' | 'expired' | 'wrongIssuer' | 'wrongAudience' | 'refresh' | 'id', string>
> => {
  const admin = realmAdmin()
  const person = await tokenFor('admin')
  await admin.ensureClient('test-no-audience', {})
  await admin.ensureClient('test-short-lived', {
    audience: 'clientele-api',
    attributes: { 'access.token.lifespan': '1' },
  })
  const short = await newPerson(['admin'], testRealm, 'test-short-lived')
  const other = await newPerson(['admin'], testRealm, 'test-no-audience')
  const { exp } = JSON.parse(Buffer.from(short.token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number }
  await eventually(async () => {
    if (Date.now() / 1000 <= exp) throw new Error('not expired yet')
  })
  return {
    garbage: 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl',
    expired: short.token,
    wrongIssuer: await masterToken(),
    wrongAudience: other.token,
    refresh: person.refreshToken,
    id: person.idToken,
  }
}
