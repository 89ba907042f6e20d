import { isDeepStrictEqual } from 'node:util'
import { messageOf } from '../processes/fail.ts'
import { audience, audienceScope } from './audience.ts'
import { removeFromDefaultRole } from './default-role.ts'
import type { KeycloakAdmin } from './keycloak-admin.ts'

type Fields = Record<string, unknown>
type Client = Fields & { id: string; clientId: string; rootUrl?: string; redirectUris?: string[] }
/** The realm file with its placeholders filled in. */
export type RealmFile = Fields & { attributes: Record<string, string>; clients: (Fields & { clientId: string })[] }

type Step = (context: { admin: KeycloakAdmin; realm: string; desired: RealmFile }) => Promise<string[]>

/**
 * The realm attribute that has the version of the settings. A realm without it has version 1, or was imported from the realm
 * file a moment ago: then the steps find little to do.
 */
const versionAttribute = 'clienteleRealmVersion'

/** What the realm's fields were in version 1. Only a field that still has this value is changed. */
const formerFields: Fields = {
  editUsernameAllowed: false,
  bruteForceStrategy: 'MULTIPLE',
  failureFactor: 6,
  quickLoginCheckMilliSeconds: 200,
  passwordPolicy:
    'length(8) and maxLength(128) and notUsername(undefined) and notEmail(undefined) and passwordHistory(3)',
  eventsExpiration: 604_800,
}
const formerAdminEventsExpiration = '604800'
const formerEventTypes = [
  'REGISTER',
  'UPDATE_PROFILE',
  'UPDATE_EMAIL',
  'VERIFY_EMAIL',
  'UPDATE_CREDENTIAL',
  'REMOVE_CREDENTIAL',
  'RESET_PASSWORD',
  'DELETE_ACCOUNT',
  'FEDERATED_IDENTITY_LINK',
  'IDENTITY_PROVIDER_FIRST_LOGIN',
  'USER_DISABLED_BY_PERMANENT_LOCKOUT',
  'USER_DISABLED_BY_TEMPORARY_LOCKOUT',
  'LOGIN',
  'LOGIN_ERROR',
  'LOGOUT',
]

const show = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** Changes one field of the realm. Keycloak refuses, for example, a policy with a list of passwords that it does not have. */
const changeField = async (
  { call }: KeycloakAdmin,
  realm: string,
  field: string,
  value: unknown,
  text: string,
): Promise<string> => {
  try {
    await call('PUT', `/${realm}`, { [field]: value })
    return text
  } catch (error) {
    return `NOT CHANGED: ${field}: ${messageOf(error)}`
  }
}

const upgradeFields: Step = async ({ admin, realm, desired }) => {
  const current = (await admin.call('GET', `/${realm}`)) as Fields & { attributes?: Record<string, string> }
  const done: string[] = []
  for (const [field, former] of Object.entries(formerFields)) {
    if (isDeepStrictEqual(current[field], desired[field])) continue
    if (!isDeepStrictEqual(current[field], former)) done.push(`kept ${field}: it is ${show(current[field])} here`)
    else done.push(await changeField(admin, realm, field, desired[field], `${field}: ${show(desired[field])}`))
  }
  const { adminEventsExpiration } = desired.attributes
  if (current.attributes?.adminEventsExpiration === formerAdminEventsExpiration) {
    const attributes = { ...current.attributes, adminEventsExpiration }
    done.push(
      await changeField(admin, realm, 'attributes', attributes, `adminEventsExpiration: ${adminEventsExpiration}`),
    )
  }
  return done
}

const upgradeEventTypes: Step = async ({ admin: { call }, realm, desired }) => {
  const config = (await call('GET', `/${realm}/events/config`)) as { enabledEventTypes?: string[] }
  const [current, wanted] = [new Set(config.enabledEventTypes), desired.enabledEventTypes as string[]]
  const missing = wanted.filter((type) => !current.has(type))
  if (missing.length === 0) return []
  // Types that an owner added stay. If one of the former types is off, an owner has chosen the types.
  if (formerEventTypes.some((type) => !current.has(type)))
    return ['kept the types of recorded events: they were chosen here']
  await call('PUT', `/${realm}/events/config`, { ...config, enabledEventTypes: [...current, ...missing] })
  return [`recorded events: added ${missing.join(', ')}`]
}

const findClient = async ({ call }: KeycloakAdmin, realm: string, clientId: string): Promise<Client | undefined> =>
  ((await call('GET', `/${realm}/clients?clientId=${clientId}`)) as Client[] | undefined)?.[0]

/** The redirect addresses of the realm file, below the address that the client has. */
const redirectUrisFor = ({ clients }: RealmFile, rootUrl: string): string[] => {
  const file = clients.find(({ clientId }) => clientId === 'clientele-console') as Client
  return (file.redirectUris ?? []).map((url) => `${rootUrl}${url.slice(file.rootUrl?.length)}`)
}

const upgradeClients: Step = async ({ admin, realm, desired }) => {
  const { call } = admin
  const done: string[] = []
  const adminCli = await findClient(admin, realm, 'admin-cli')
  if (adminCli?.directAccessGrantsEnabled) {
    await call('PUT', `/${realm}/clients/${adminCli.id}`, { ...adminCli, directAccessGrantsEnabled: false })
    done.push('admin-cli: takes no passwords any more')
  }
  const browser = await findClient(admin, realm, 'clientele-console')
  if (browser && isDeepStrictEqual(browser.redirectUris, [`${browser.rootUrl}/*`])) {
    const redirectUris = redirectUrisFor(desired, String(browser.rootUrl))
    await call('PUT', `/${realm}/clients/${browser.id}`, { ...browser, redirectUris })
    done.push(`clientele-console: redirect addresses: ${show(redirectUris)}`)
  }
  return done
}

/** Takes the scope from our clients, and the role from the default role: an offline token has no end. */
const upgradeOfflineAccess: Step = async ({ admin, realm }) => {
  const { call } = admin
  const done: string[] = []
  for (const clientId of ['clientele-console', 'clientele-login']) {
    const client = await findClient(admin, realm, clientId)
    const path = `/${realm}/clients/${client?.id}/optional-client-scopes`
    const scopes = ((client && (await call('GET', path))) ?? []) as { id: string; name: string }[]
    const scope = scopes.find(({ name }) => name === 'offline_access')
    if (!scope) continue
    await call('DELETE', `${path}/${scope.id}`)
    done.push(`${clientId}: the scope offline_access is no longer available`)
  }
  const { defaultRole } = (await call('GET', `/${realm}`)) as { defaultRole?: { id: string } }
  const path = `/${realm}/roles-by-id/${defaultRole?.id}/composites`
  const roles = ((await call('GET', path)) ?? []) as { id: string; name: string }[]
  const role = roles.find(({ name }) => name === 'offline_access')
  if (!role) return done
  await call('DELETE', path, [role])
  return [...done, 'the role offline_access is no longer a default role']
}

const upgradeDefaultRole: Step = async ({ admin, realm }) => {
  const granted = await removeFromDefaultRole(admin, realm)
  return granted === undefined ? [] : [`the role user is no longer a default role; ${granted} accounts got it directly`]
}

/**
 * Gives the audience of our API to every new client. The realm file cannot: a realm that is imported with client scopes gets
 * none of Keycloak's own, and the account console does not work without them.
 */
const upgradeAudience: Step = async ({ admin: { call }, realm }) => {
  const find = async () =>
    ((await call('GET', `/${realm}/client-scopes`)) as { id: string; name: string }[]).find(
      ({ name }) => name === audience,
    )
  if (!(await find())) await call('POST', `/${realm}/client-scopes`, audienceScope)
  const defaults = (await call('GET', `/${realm}/default-default-client-scopes`)) as { name: string }[]
  if (defaults.some(({ name }) => name === audience)) return []
  await call('PUT', `/${realm}/default-default-client-scopes/${(await find())?.id}`)
  return [`every new client has the scope ${audience}`]
}

/** The steps to each version. A step changes only what still has its former value, so it can be repeated. */
const stepsTo: Record<number, Step[]> = {
  2: [upgradeFields, upgradeEventTypes, upgradeClients, upgradeOfflineAccess, upgradeDefaultRole],
  3: [upgradeAudience],
}

const versionOf = (attributes: Record<string, string> = {}): number => Number(attributes[versionAttribute] ?? 1)

/** The version of the realm's settings, and the one that this release has. */
export const realmVersions = (current: { attributes?: Record<string, string> } | undefined) => ({
  version: versionOf(current?.attributes),
  newest: Math.max(...Object.keys(stepsTo).map(Number)),
})

const setVersion = async ({ call }: KeycloakAdmin, realm: string, version: number): Promise<void> => {
  const { attributes } = (await call('GET', `/${realm}`)) as { attributes?: Record<string, string> }
  await call('PUT', `/${realm}`, { attributes: { ...attributes, [versionAttribute]: String(version) } })
}

/**
 * Brings an existing realm to the settings of this release. Each version is applied once, and only to settings that still
 * have their former value, so what an owner changes stays, before and afterwards.
 * @returns what was done, a line each
 */
export const upgradeRealm = async (admin: KeycloakAdmin, realm: string, desired: RealmFile): Promise<string[]> => {
  const { version, newest } = realmVersions((await admin.call('GET', `/${realm}`)) as RealmFile)
  const done: string[] = []
  for (let next = version + 1; next <= newest; next += 1) {
    const lines: string[] = []
    for (const step of stepsTo[next] ?? []) lines.push(...(await step({ admin, realm, desired })))
    done.push(...lines)
    // It is tried again next time if Keycloak refused something.
    if (lines.some((line) => line.startsWith('NOT CHANGED'))) return done
    await setVersion(admin, realm, next)
  }
  return done
}
