import { testEnv } from '@clientele/platform/testing/database'
import { requestToken } from '@clientele/platform/testing/realm'
import { testVerifier } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { type KeycloakAdmin, signInAsKeycloakAdmin } from '../src/backing/keycloak-admin.ts'
import { adjustRealm, createDemoAccounts } from '../src/backing/realm.ts'

// Its own realm, because it changes the realm's keys.
const realm = `rotation-${Math.random().toString(36).slice(2, 8)}`
const secret = 'a-secret-of-this-test'
const { now } = Date
const keycloakUrl = testEnv('TEST_KEYCLOAK_URL')
const providerType = 'org.keycloak.keys.KeyProvider'

type Component = { id: string; name: string; providerId: string; parentId: string; config: Record<string, string[]> }

const keyIdOf = (token: string): string =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid

describe('Rotation of the realm’s signing key', () => {
  let admin: KeycloakAdmin
  const signIn = () =>
    signInAsKeycloakAdmin(keycloakUrl, testEnv('TEST_KEYCLOAK_ADMIN_USER'), testEnv('TEST_KEYCLOAK_ADMIN_PASSWORD'))
  const keys = async () =>
    ((await admin.call('GET', `/${realm}/components?type=${providerType}`)) as Component[]).filter(
      ({ providerId }) => providerId === 'rsa-generated',
    )
  const verifier = testVerifier({
    keycloakUrl,
    keycloakIssuer: `${keycloakUrl}/realms/${realm}`,
    keycloakAudience: 'clientele-api',
  })

  const userToken = async () =>
    (
      await requestToken(realm, {
        grant_type: 'password',
        client_id: 'clientele-login',
        client_secret: secret,
        username: 'user',
        password: '12345',
      })
    ).access_token

  beforeAll(async () => {
    await adjustRealm(await signIn(), { CLIENTELE_LOGIN_SECRET: secret, CLIENTELE_USER_SERVICE_SECRET: secret }, realm)
    admin = await signIn()
    // Tokens must stay valid for the whole test.
    const current = (await admin.call('GET', `/${realm}`)) as object
    await admin.call('PUT', `/${realm}`, { ...current, accessTokenLifespan: 3_600 })
    await createDemoAccounts(admin, realm)
  }, 60_000)
  afterEach(() => {
    Date.now = now
  })
  afterAll(async () => {
    await (await signIn()).call('DELETE', `/${realm}`)
  })

  it('tokens of the old signing key stay valid until it is removed, and are refused ten minutes later at most', async () => {
    const before = await userToken()
    await verifier.verify(before)

    const [old] = await keys()
    if (!old) throw new Error('the realm has no RSA key')
    await admin.call('POST', `/${realm}/components`, {
      name: 'rsa-next',
      providerId: 'rsa-generated',
      providerType,
      parentId: old.parentId,
      config: { priority: ['200'], enabled: ['true'], active: ['true'], keySize: ['2048'] },
    })
    await admin.call('PUT', `/${realm}/components/${old.id}`, { ...old, config: { ...old.config, active: ['false'] } })

    const after = await userToken()
    expect(keyIdOf(after)).not.toBe(keyIdOf(before))
    const first = Date.now()
    // The verifier looks for an unknown key at most every 5 s.
    Date.now = () => first + 6_000
    await verifier.verify(after)
    await verifier.verify(before)

    await admin.call('DELETE', `/${realm}/components/${old.id}`)
    const later = first + 10 * 60_000 + 7_000
    Date.now = () => later
    // A request that finds the known keys outdated reloads them in the background.
    await verifier.verify(after)
    await eventually(() => expect(verifier.keyAgeMs()).toBe(0))
    Date.now = () => later + 31_000
    await expect(verifier.verify(before)).rejects.toMatchObject({ code: 'invalid_token' })
    await verifier.verify(after)
  }, 60_000)
})
