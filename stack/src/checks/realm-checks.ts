import { adminUserFrom, type KeycloakAdmin, signInAsKeycloakAdmin } from '../backing/keycloak-admin.ts'
import { demoAccounts } from '../backing/realm.ts'
import { realmName } from '../profile/services.ts'
import { type Check, type InstallationAddresses, userServiceToken } from './installation-checks.ts'

const timeoutMs = 8_000
const dayS = 86_400

/** Checks that Keycloak keeps events: user-service learns of changes in Keycloak's console from them. */
export const eventLogsCheck = (addresses: InstallationAddresses): Check => ({
  name: 'Keycloak keeps events',
  fix: 'in the Keycloak console, Realm settings, Events: save user events, and admin events with their representation, for at least a day',
  run: async () => {
    const response = await fetch(`${addresses.keycloakUrl}/admin/realms/${realmName}/events/config`, {
      headers: { authorization: `Bearer ${await userServiceToken(addresses)}` },
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (!response.ok) throw new Error(`Keycloak returned ${response.status}: user-service needs the role view-events`)
    const config = (await response.json()) as {
      eventsEnabled?: boolean
      adminEventsEnabled?: boolean
      adminEventsDetailsEnabled?: boolean
      eventsExpiration?: number
    }
    const off = [
      ...(config.eventsEnabled ? [] : ['user events are off']),
      ...(config.adminEventsEnabled ? [] : ['admin events are off']),
      ...(config.adminEventsDetailsEnabled ? [] : ['admin events are kept without their representation']),
      ...((config.eventsExpiration ?? 0) >= dayS || !config.eventsExpiration
        ? []
        : ['events are kept for less than a day']),
    ]
    if (off.length > 0) throw new Error(off.join(', '))
    return 'user events and admin events'
  },
})

type Realm = Record<string, unknown>
type RealmClient = {
  clientId: string
  directAccessGrantsEnabled?: boolean
  redirectUris?: string[]
  optionalClientScopes?: string[]
}
const rules: [violation: string, isMet: (realm: Realm) => boolean][] = [
  ['sslRequired is none', ({ sslRequired }) => sslRequired !== 'none'],
  ['bruteForceProtected is off', ({ bruteForceProtected }) => bruteForceProtected === true],
  [
    'revokeRefreshToken is off, so a stolen refresh token is not detected',
    (realm) => realm.revokeRefreshToken === true,
  ],
  ['accessTokenLifespan is longer than an hour', ({ accessTokenLifespan }) => Number(accessTokenLifespan) <= 3_600],
  ['passwordPolicy is not set', ({ passwordPolicy }) => Boolean(passwordPolicy)],
  [
    'passwordPolicy has no passwordBlacklist, so common passwords are accepted',
    ({ passwordPolicy }) => /passwordBlacklist/.test(String(passwordPolicy)),
  ],
  [
    'failureFactor is below 50 or quickLoginCheckMilliSeconds is set, so a few wrong passwords of a stranger lock a user out',
    (realm) => Number(realm.failureFactor) >= 50 && Number(realm.quickLoginCheckMilliSeconds) === 0,
  ],
  [
    'eventsExpiration is shorter than 30 days',
    ({ eventsExpiration }) => !eventsExpiration || Number(eventsExpiration) >= 30 * dayS,
  ],
]

/** Clients that are built into Keycloak or come with the realm. Those of an owner are the owner's. */
const builtInClients = ['clientele-console', 'account', 'account-console', 'admin-cli', 'security-admin-console']

const clientRules: [violation: string, isMet: (client: RealmClient) => boolean][] = [
  [
    'takes passwords past the limits of the gateway (directAccessGrantsEnabled)',
    (client) => !builtInClients.includes(client.clientId) || !client.directAccessGrantsEnabled,
  ],
  [
    'has a redirect address with a wildcard',
    ({ clientId, redirectUris = [] }) =>
      clientId !== 'clientele-console' || !redirectUris.some((url) => url.includes('*')),
  ],
  [
    'offers offline_access, so a token can be good for ever',
    ({ clientId, optionalClientScopes = [] }) =>
      !['clientele-console', 'clientele-login'].includes(clientId) || !optionalClientScopes.includes('offline_access'),
  ],
]

const defaultRoleViolations = async ({ call }: KeycloakAdmin, { defaultRole }: Realm): Promise<string[]> => {
  const path = `/${realmName}/roles-by-id/${(defaultRole as { id?: string } | undefined)?.id}/composites`
  const roles = ((await call('GET', path)) ?? []) as { name: string }[]
  return roles.some(({ name }) => name === 'offline_access') ? ['offline_access is a role of every user'] : []
}

/** Checks the realm's security settings if the environment has the password of a Keycloak administrator. */
export const realmChecks = ({ keycloakUrl }: InstallationAddresses, env: NodeJS.ProcessEnv): Check[] => {
  const password = env.CLIENTELE_KEYCLOAK_ADMIN_PASSWORD
  if (!password) return []
  const check: Check = {
    name: 'realm settings',
    fix: 'run `npm run realm-upgrade`, or set them as in deploy/keycloak/realm.json in the Keycloak console',
    run: async () => {
      const admin = await signInAsKeycloakAdmin(keycloakUrl, adminUserFrom(env), password)
      const realm = (await admin.call('GET', `/${realmName}`)) as Realm
      const clients = ((await admin.call('GET', `/${realmName}/clients`)) ?? []) as RealmClient[]
      const violations = [
        ...rules.filter(([, isMet]) => !isMet(realm)).map(([violation]) => violation),
        ...clients.flatMap((client) =>
          clientRules
            .filter(([, isMet]) => !isMet(client))
            .map(([violation]) => `the client ${client.clientId} ${violation}`),
        ),
        ...(await defaultRoleViolations(admin, realm)),
      ]
      if (violations.length > 0) throw new Error(violations.join('; '))
      return `${rules.length + clientRules.length + 1} settings`
    },
  }
  return [check]
}

/** Checks that the demo accounts do not work. Each run is a failed sign-in of both accounts, if they exist. */
export const defaultPasswordsCheck = ({ keycloakUrl }: InstallationAddresses, env: NodeJS.ProcessEnv): Check => ({
  name: 'default passwords',
  fix: 'change the password of that account in Keycloak, or delete the account: its password is public',
  run: async () => {
    if (!env.LOGIN_CLIENT_SECRET)
      throw new Error('not checked: set LOGIN_CLIENT_SECRET to the value that user-service has')
    for (const { username, password } of demoAccounts) {
      const response = await fetch(`${keycloakUrl}/realms/${realmName}/protocol/openid-connect/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'password',
          client_id: env.LOGIN_CLIENT_ID || 'clientele-login',
          client_secret: env.LOGIN_CLIENT_SECRET,
          username,
          password,
        }),
        signal: AbortSignal.timeout(timeoutMs),
      })
      const { error } = (await response.json()) as { error?: string }
      if (response.ok) throw new Error(`"${username}" can sign in with its public password`)
      if (error !== 'invalid_grant') throw new Error(`Keycloak refused the client: ${error}`)
    }
    return 'no account has one'
  },
})
