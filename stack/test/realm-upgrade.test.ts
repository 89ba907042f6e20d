import { readFileSync } from 'node:fs'
import { testEnv } from '@clientele/platform/testing/database'
import { realmFile } from '../src/backing/keycloak.ts'
import { type KeycloakAdmin, signInAsKeycloakAdmin } from '../src/backing/keycloak-admin.ts'
import { adjustRealm, fillRealm } from '../src/backing/realm.ts'
import { upgradeRealm } from '../src/backing/realm-upgrade.ts'

const values = {
  CLIENTELE_SMTP_PORT: testEnv('TEST_SMTP_PORT'),
  CLIENTELE_LOGIN_SECRET: 'login-secret-of-this-test',
  CLIENTELE_USER_SERVICE_SECRET: 'user-service-secret-of-this-test',
}
const formerPolicy =
  'length(8) and maxLength(128) and notUsername(undefined) and notEmail(undefined) and passwordHistory(3)'
type Realm = Record<string, unknown> & { attributes: Record<string, string> }
type Client = { redirectUris: string[]; directAccessGrantsEnabled: boolean; optionalClientScopes: string[] }

let admin: KeycloakAdmin
const realms: string[] = []
beforeAll(async () => {
  const [user, password] = [testEnv('TEST_KEYCLOAK_ADMIN_USER'), testEnv('TEST_KEYCLOAK_ADMIN_PASSWORD')]
  admin = await signInAsKeycloakAdmin(testEnv('TEST_KEYCLOAK_URL'), user, password)
})
afterAll(async () => {
  for (const realm of realms) await admin.call('DELETE', `/${realm}`)
})

/** Creates a realm as the realm file of version 1 did, with these changes of an owner. */
const createFormerRealm = async (change: Record<string, unknown> = {}): Promise<string> => {
  const realm = `upgrade-${Math.random().toString(36).slice(2, 8)}`
  realms.push(realm)
  const file = fillRealm(realm, values)
  const newTypes = /ERROR|IMPERSONATE|OVERRIDE|REMOVE_FEDERATED/
  const clients = file.clients
    .filter(({ clientId }) => clientId !== 'admin-cli')
    .map(({ defaultClientScopes: _default, optionalClientScopes: _optional, ...client }) =>
      client.clientId === 'clientele-console' ? { ...client, redirectUris: ['http://localhost:8000/*'] } : client,
    )
  await admin.call('POST', '', {
    ...file,
    failureFactor: 6,
    bruteForceStrategy: 'MULTIPLE',
    quickLoginCheckMilliSeconds: 200,
    passwordPolicy: formerPolicy,
    eventsExpiration: 604_800,
    attributes: { adminEventsExpiration: '604800' },
    enabledEventTypes: (file.enabledEventTypes as string[]).filter(
      (type) => type === 'LOGIN_ERROR' || !newTypes.test(type),
    ),
    clients,
    ...change,
  })
  return realm
}
const realmOf = async (realm: string) => (await admin.call('GET', `/${realm}`)) as Realm
const clientOf = async (realm: string, clientId: string) =>
  ((await admin.call('GET', `/${realm}/clients?clientId=${clientId}`)) as Client[])[0]
const defaultRoles = async (realm: string) =>
  ((await admin.call('GET', `/${realm}/roles/default-roles-clientele/composites`)) as { name: string }[]).map(
    ({ name }) => name,
  )
const wanted = () => JSON.parse(readFileSync(realmFile, 'utf8')) as Realm & { enabledEventTypes: string[] }

describe('An upgrade of the realm', () => {
  it('a realm of the former release gets the new settings, and a second run changes nothing', async () => {
    const realm = await createFormerRealm()
    const changes = await adjustRealm(admin, values, realm)
    expect(changes.join('\n')).toMatch(
      /failureFactor: 100[\s\S]*REFRESH_TOKEN_ERROR[\s\S]*admin-cli[\s\S]*offline_access/,
    )
    const { failureFactor, quickLoginCheckMilliSeconds, passwordPolicy, eventsExpiration } = wanted()
    expect(await realmOf(realm)).toMatchObject({
      failureFactor,
      bruteForceStrategy: 'LINEAR',
      quickLoginCheckMilliSeconds,
      passwordPolicy,
      eventsExpiration,
      attributes: { adminEventsExpiration: '7776000' },
    })
    const events = (await admin.call('GET', `/${realm}/events/config`)) as { enabledEventTypes: string[] }
    expect(events.enabledEventTypes.toSorted()).toEqual(wanted().enabledEventTypes.toSorted())
    expect(await clientOf(realm, 'admin-cli')).toMatchObject({ directAccessGrantsEnabled: false })
    const browser = await clientOf(realm, 'clientele-console')
    expect(browser?.redirectUris.toSorted()).toEqual([
      'http://localhost:8000/',
      'http://localhost:8000/docs/oauth2-redirect.html',
    ])
    expect(browser?.optionalClientScopes).not.toContain('offline_access')
    expect(await defaultRoles(realm)).not.toContain('offline_access')
    expect(changes).toContain('every new client has the scope clientele-api')
    expect(await adjustRealm(admin, values, realm)).toEqual([])
  }, 120_000)

  it('what an owner changed stays, before the upgrade and after it', async () => {
    const realm = await createFormerRealm({
      failureFactor: 10,
      passwordPolicy: 'length(12)',
      enabledEventTypes: ['LOGIN'],
    })
    const changes = await upgradeRealm(admin, realm, fillRealm(realm, values))
    expect(changes).toEqual(
      expect.arrayContaining([
        'kept failureFactor: it is 10 here',
        'kept passwordPolicy: it is length(12) here',
        'kept the types of recorded events: they were chosen here',
      ]),
    )
    expect(await realmOf(realm)).toMatchObject({ failureFactor: 10, passwordPolicy: 'length(12)' })
    await admin.call('PUT', `/${realm}`, { failureFactor: 6 })
    expect(await upgradeRealm(admin, realm, fillRealm(realm, values))).toEqual([])
    expect(await realmOf(realm)).toMatchObject({ failureFactor: 6 })
  }, 120_000)

  it('a setting that Keycloak refuses is named, and tried again by the next run', async () => {
    const realm = await createFormerRealm()
    const desired = fillRealm(realm, values)
    const missing = { ...desired, passwordPolicy: 'length(8) and passwordBlacklist(not-there.txt)' }
    expect((await upgradeRealm(admin, realm, missing)).join('\n')).toMatch(/NOT CHANGED: passwordPolicy/)
    expect(await realmOf(realm)).toMatchObject({ failureFactor: 100, passwordPolicy: formerPolicy })
    expect(await upgradeRealm(admin, realm, desired)).toEqual([
      `passwordPolicy: ${String(desired.passwordPolicy)}`,
      'every new client has the scope clientele-api',
    ])
  }, 120_000)
})
