import { keycloakAdmin } from '../backing/keycloak-admin.ts'
import { demoAccounts } from '../backing/realm.ts'
import { realmName } from '../profile/services.ts'
import { type Check, keycloakToken, type Place } from './installation-checks.ts'

const timeoutMs = 8_000
const dayS = 86_400

/** Changes in Keycloak's console reach Clientele by its journals of events. */
export const journalsCheck = (place: Place): Check => ({
  name: 'Keycloak keeps events',
  fix: 'Keycloak console, Realm settings, Events: save user events and admin events with their representation, for a day or more',
  look: async () => {
    const response = await fetch(`${place.keycloakUrl}/admin/realms/${realmName}/events/config`, {
      headers: { authorization: `Bearer ${await keycloakToken(place)}` },
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (!response.ok) throw new Error(`Keycloak answers ${response.status}: user-service needs the role view-events`)
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
        : ['they are kept for less than a day']),
    ]
    if (off.length > 0) throw new Error(off.join(', '))
    return 'of users and administrators'
  },
})

type Realm = Record<string, unknown>
const rules: [what: string, holds: (realm: Realm) => boolean][] = [
  ['sslRequired is none', ({ sslRequired }) => sslRequired !== 'none'],
  ['bruteForceProtected is off', ({ bruteForceProtected }) => bruteForceProtected === true],
  ['revokeRefreshToken is off: a stolen refresh token is not noticed', (realm) => realm.revokeRefreshToken === true],
  ['accessTokenLifespan is over an hour', ({ accessTokenLifespan }) => Number(accessTokenLifespan) <= 3_600],
  ['there is no passwordPolicy', ({ passwordPolicy }) => Boolean(passwordPolicy)],
]

/** Settings of the realm, which only an administrator of Keycloak's may read. */
export const realmCheck = ({ keycloakUrl }: Place, env: NodeJS.ProcessEnv): Check[] => {
  const password = env.CLIENTELE_KEYCLOAK_ADMIN_PASSWORD
  if (!password) return []
  const check: Check = {
    name: 'realm settings',
    fix: 'set them as deploy/keycloak/realm.json has them (Keycloak console, Realm settings)',
    look: async () => {
      const admin = await keycloakAdmin(keycloakUrl, env.CLIENTELE_KEYCLOAK_ADMIN_USER || 'admin', password)
      const realm = (await admin.call('GET', `/${realmName}`)) as Realm
      const faults = rules.filter(([, holds]) => !holds(realm)).map(([what]) => what)
      if (faults.length > 0) throw new Error(faults.join('; '))
      return `${rules.length} looked at`
    },
  }
  return [check]
}

/** Each look is a failed sign-in of the two accounts, where they exist. */
export const defaultPasswordsCheck = ({ keycloakUrl }: Place, env: NodeJS.ProcessEnv): Check => ({
  name: 'default passwords',
  fix: 'change the password of that account in Keycloak, or delete the account: its password is published',
  look: async () => {
    if (!env.LOGIN_CLIENT_SECRET) throw new Error('not looked at: give LOGIN_CLIENT_SECRET, as user-service has it')
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
      const answer = (await response.json()) as { error?: string }
      if (response.ok) throw new Error(`"${username}" signs in with its published password`)
      if (answer.error !== 'invalid_grant') throw new Error(`Keycloak refuses the client: ${answer.error}`)
    }
    return 'none works'
  },
})
