import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { realmName } from '../profile/services.ts'
import { allowFrontEnds, frontEndOriginsOf } from './front-ends.ts'
import { realmFile } from './keycloak.ts'
import { findUser, grantRole, type KeycloakAdmin } from './keycloak-admin.ts'
import { type RealmFile, upgradeRealm } from './realm-upgrade.ts'

/** The realm file with its placeholders filled in, as Keycloak does at an import. */
export const fillRealm = (name: string, values: Record<string, string>): RealmFile => {
  const text = readFileSync(realmFile, 'utf8').replace(
    /\$\{([A-Z_]+)(?::([^}]*))?\}/g,
    (placeholder, name: string, fallback?: string) => {
      const value = values[name] ?? fallback
      return value === undefined ? placeholder : JSON.stringify(value).slice(1, -1)
    },
  )
  return { ...(JSON.parse(text) as RealmFile), realm: name }
}

/**
 * Creates or updates the realm of the local profile. Demo accounts are created once; a deleted one is not created again.
 * @returns what was changed in an existing realm
 */
export const prepareRealm = async (
  admin: KeycloakAdmin,
  values: Record<string, string>,
  { home, demo }: { home: string; demo: boolean },
): Promise<string[]> => {
  const changes = await adjustRealm(admin, values)
  if (isRealmPrepared(home)) return changes
  if (demo) await createDemoAccounts(admin)
  writeFileSync(join(home, markerName), '')
  return changes
}

const markerName = 'demo-accounts'

/** Whether an earlier start has prepared the realm. */
export const isRealmPrepared = (home: string): boolean => existsSync(join(home, markerName))

/**
 * Creates the realm if Keycloak does not have it. Otherwise updates the addresses and secrets that have changed, and the
 * settings that are new in this release. In both cases the front ends of `FRONT_END_ORIGINS` may sign in.
 */
export const adjustRealm = async (
  admin: KeycloakAdmin,
  values: Record<string, string>,
  realmId: string = realmName,
): Promise<string[]> => {
  const desired = fillRealm(realmId, values)
  const frontEnds = frontEndOriginsOf(values.FRONT_END_ORIGINS ?? '')
  const realm = await admin.call('GET', `/${realmId}`)
  if (!realm) {
    await admin.call('POST', '', desired)
    await upgradeRealm(admin, realmId, desired)
    await allowFrontEnds(admin, realmId, frontEnds)
    return []
  }
  const { host, port } = desired.smtpServer as Record<string, string>
  const smtpServer = (realm as { smtpServer?: Record<string, string> }).smtpServer ?? {}
  // Somebody has configured another mail server: keep it.
  if (smtpServer.host === host && smtpServer.port !== port) {
    await admin.call('PUT', `/${realmId}`, { ...realm, smtpServer: { ...smtpServer, port } })
  }
  for (const client of desired.clients) await adjustClient(admin, client, realmId)
  return [...(await upgradeRealm(admin, realmId, desired)), ...(await allowFrontEnds(admin, realmId, frontEnds))]
}

/** Puts the new address in place of the former one. Addresses that an owner added stay. */
const moveAddresses = (client: Record<string, unknown>, desired: Record<string, unknown>): Record<string, unknown> => {
  const [from, to] = [client.rootUrl, desired.rootUrl]
  if (typeof from !== 'string' || typeof to !== 'string' || from === '' || from === to) return client
  const move = (urls: unknown) =>
    Array.isArray(urls)
      ? urls.map((url: string) => (url === from || url.startsWith(`${from}/`) ? `${to}${url.slice(from.length)}` : url))
      : urls
  return { ...client, rootUrl: to, redirectUris: move(client.redirectUris), webOrigins: move(client.webOrigins) }
}

const adjustClient = async (
  { call }: KeycloakAdmin,
  desired: Record<string, unknown>,
  realm: string,
): Promise<void> => {
  const found = (await call('GET', `/${realm}/clients?clientId=${String(desired.clientId)}`)) as
    | Record<string, unknown>[]
    | undefined
  const client = found?.[0]
  if (!client) return
  const moved = moveAddresses(client, desired)
  const adjusted = 'secret' in desired ? { ...moved, secret: desired.secret } : moved
  if (isDeepStrictEqual(adjusted, client)) return
  await call('PUT', `/${realm}/clients/${String(client.id)}`, adjusted)
}

/** Accounts of the local profile only: their passwords are public. */
export const demoAccounts = [
  {
    username: 'admin',
    password: '12345',
    email: 'admin@clientele.localhost',
    firstName: 'Ada',
    lastName: 'Admin',
    role: 'admin',
  },
  {
    username: 'user',
    password: '12345',
    email: 'user@clientele.localhost',
    firstName: 'Uma',
    lastName: 'User',
    role: 'user',
  },
]

/** Creates the demo accounts that do not exist. */
export const createDemoAccounts = async (admin: KeycloakAdmin, realm: string = realmName): Promise<void> => {
  for (const { password, role, ...account } of demoAccounts) {
    if (await findUser(admin, realm, account.username)) continue
    await admin.call('POST', `/${realm}/users`, {
      ...account,
      enabled: true,
      emailVerified: true,
      credentials: [hashedCredential(password)],
    })
    const user = await findUser(admin, realm, account.username)
    if (user) await grantRole(admin, realm, user.id, role)
  }
}

/** A hashed password in Keycloak's format. The demo passwords break the password policy, which applies to plain ones only. */
const hashedCredential = (password: string) => {
  const salt = randomBytes(16)
  const iterations = 210_000
  const value = pbkdf2Sync(password, salt, iterations, 64, 'sha512')
  return {
    type: 'password',
    temporary: false,
    secretData: JSON.stringify({ value: value.toString('base64'), salt: salt.toString('base64') }),
    credentialData: JSON.stringify({ hashIterations: iterations, algorithm: 'pbkdf2-sha512' }),
  }
}
