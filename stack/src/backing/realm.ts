import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { realmName } from '../profile/services.ts'
import { realmFile } from './keycloak.ts'
import { findUser, grantRole, type KeycloakAdmin } from './keycloak-admin.ts'

/** The realm file with its placeholders filled in, the way Keycloak itself does at an import. */
const filledRealm = (name: string, values: Record<string, string>): unknown => {
  const text = readFileSync(realmFile, 'utf8').replace(
    /\$\{([A-Z_]+)(?::([^}]*))?\}/g,
    (whole, name: string, fallback?: string) => {
      const value = values[name] ?? fallback
      return value === undefined ? whole : JSON.stringify(value).slice(1, -1)
    },
  )
  return { ...(JSON.parse(text) as object), realm: name }
}

/** Everything the local profile wants of the realm. The demo accounts come once; one that a person deleted stays deleted. */
export const prepareRealm = async (
  admin: KeycloakAdmin,
  values: Record<string, string>,
  { home, demo }: { home: string; demo: boolean },
): Promise<void> => {
  await adjustRealm(admin, values)
  if (isRealmPrepared(home)) return
  if (demo) await createDemoAccounts(admin)
  writeFileSync(join(home, mark), '')
}

const mark = 'demo-accounts'

/** Whether an earlier start has made all that the product needs in Keycloak. */
export const isRealmPrepared = (home: string): boolean => existsSync(join(home, mark))

/** Makes the realm where Keycloak was given from outside and has none, and moves addresses and secrets that changed. */
export const adjustRealm = async (
  admin: KeycloakAdmin,
  values: Record<string, string>,
  name: string = realmName,
): Promise<void> => {
  const realm = await admin.call('GET', `/${name}`)
  if (!realm) return void (await admin.call('POST', '', filledRealm(name, values)))
  const wanted = filledRealm(name, values) as { clients: Record<string, unknown>[]; smtpServer: Record<string, string> }
  const { host, port } = wanted.smtpServer
  const smtpServer = (realm as { smtpServer?: Record<string, string> }).smtpServer ?? {}
  // Another host is a person's own choice.
  if (smtpServer.host === host && smtpServer.port !== port) {
    await admin.call('PUT', `/${name}`, { ...realm, smtpServer: { ...smtpServer, port } })
  }
  for (const client of wanted.clients) await adjustClient(admin, client, name)
}

const adjustable = ['rootUrl', 'redirectUris', 'webOrigins', 'secret']

const adjustClient = async ({ call }: KeycloakAdmin, wanted: Record<string, unknown>, realm: string): Promise<void> => {
  const found = (await call('GET', `/${realm}/clients?clientId=${String(wanted.clientId)}`)) as
    | Record<string, unknown>[]
    | undefined
  const client = found?.[0]
  if (!client) return
  const changed = adjustable.filter((field) => field in wanted && !isDeepStrictEqual(client[field], wanted[field]))
  if (changed.length === 0) return
  const changes = Object.fromEntries(changed.map((field) => [field, wanted[field]]))
  await call('PUT', `/${realm}/clients/${String(client.id)}`, { ...client, ...changes })
}

/** Accounts of the local profile only; their passwords are known to everybody. */
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

/** Creates the demo accounts that are not there. */
export const createDemoAccounts = async (admin: KeycloakAdmin, realm: string = realmName): Promise<void> => {
  for (const { password, role, ...person } of demoAccounts) {
    if (await findUser(admin, realm, person.username)) continue
    await admin.call('POST', `/${realm}/users`, {
      ...person,
      enabled: true,
      emailVerified: true,
      credentials: [hashed(password)],
    })
    const user = await findUser(admin, realm, person.username)
    if (user) await grantRole(admin, realm, user.id, role)
  }
}

/** A stored password, as Keycloak keeps it. The password policy, which these passwords do not meet, only judges plain ones. */
const hashed = (password: string) => {
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
