import { readdirSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { messageOf } from '../processes/fail.ts'
import { projectRoot } from '../processes/folders.ts'
import { realmName, services } from '../profile/services.ts'

/** A check of an installation. `run` returns what it found, or throws; `fix` says what to do then. */
export type Check = { name: string; fix: string; run: () => Promise<string> }

/**
 * The addresses of an installation. `gatewayUrl`, `gatewayInternalUrl` and `keycloakUrl` are those that work from this machine.
 */
export type InstallationAddresses = {
  publicUrl: string
  gatewayUrl: string
  gatewayInternalUrl?: string
  keycloakUrl: string
  keycloakPublicUrl: string
  userServiceSecret: string
}

/** A part of the gateway's health. */
type Part = { name: string; status: 'up' | 'down'; detail?: string }

const timeoutMs = 8000
const audience = 'clientele-api'
const consoleClient = 'clientele-console'
const maxSkewMs = 5000

const get = async (url: string, init: RequestInit = {}): Promise<Response> =>
  fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs), ...init }).catch((error: unknown) => {
    throw new Error(`${new URL(url).origin} does not respond (${messageOf(error)})`)
  })

const json = async (url: string): Promise<Record<string, unknown>> => {
  const response = await get(url)
  if (!response.ok) throw new Error(`${url} returned ${response.status}`)
  return (await response.json()) as Record<string, unknown>
}

const expectEqual = (actual: unknown, expected: string, name: string): string => {
  if (actual !== expected) throw new Error(`${name} is ${String(actual)}, expected ${expected}`)
  return expected
}

/** Checks that a browser can sign in and gets a token that the gateway accepts. */
export const identityChecks = (addresses: InstallationAddresses): Check[] => {
  const { publicUrl, gatewayUrl, keycloakUrl, keycloakPublicUrl } = addresses
  const issuer = `${keycloakPublicUrl}/realms/${realmName}`
  const discovery = (base: string) => json(`${base}/realms/${realmName}/.well-known/openid-configuration`)
  return [
    {
      name: 'issuer',
      fix: 'start Keycloak with --hostname set to its public address (CLIENTELE_KEYCLOAK_PUBLIC_URL), and set KEYCLOAK_ISSUER of all services to <that address>/realms/clientele',
      run: async () => {
        expectEqual((await discovery(keycloakUrl)).issuer, issuer, "Keycloak's issuer")
        return expectEqual((await json(`${gatewayUrl}/v1/auth/config`)).issuer, issuer, "the gateway's issuer")
      },
    },
    {
      name: 'signing keys (JWKS)',
      fix: 'add an active RS256 key in the Keycloak console under Realm settings, Keys',
      run: async () => {
        const { keys } = (await json(`${keycloakUrl}/realms/${realmName}/protocol/openid-connect/certs`)) as {
          keys?: { alg?: string }[]
        }
        const usable = (keys ?? []).filter(({ alg }) => alg === 'RS256').length
        if (usable === 0) throw new Error('there is no RS256 key')
        return `${usable} RS256`
      },
    },
    {
      name: 'clock',
      fix: 'synchronise the clocks of all machines by NTP: tokens are refused if the clocks differ',
      run: async () => {
        const response = await get(`${gatewayUrl}/health/live`)
        const gatewayTime = Date.parse(response.headers.get('date') ?? '')
        const skew = Math.abs(gatewayTime - Date.now())
        const keycloakSkew = Math.abs(claimsOf(await userServiceToken(addresses)).iat * 1000 - Date.now())
        if (Number.isNaN(skew) || Math.max(skew, keycloakSkew) > maxSkewMs)
          throw new Error(`clocks differ by ${Math.max(skew, keycloakSkew)} ms`)
        return 'synchronised'
      },
    },
    {
      name: 'redirect address',
      fix: `add ${publicUrl}/* to the valid redirect URIs of the client ${consoleClient}; \`npm start\` does it with CLIENTELE_PUBLIC_URL`,
      run: async () => {
        const query = new URLSearchParams({
          client_id: consoleClient,
          response_type: 'code',
          scope: 'openid',
          redirect_uri: `${publicUrl}/docs/oauth2-redirect.html`,
          code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
          code_challenge_method: 'S256',
        })
        const response = await get(`${keycloakUrl}/realms/${realmName}/protocol/openid-connect/auth?${query}`)
        if (response.status !== 200)
          throw new Error(`Keycloak returned ${response.status} to a sign-in from ${publicUrl}`)
        return publicUrl
      },
    },
  ]
}

/** An access token for user-service's service account. Its `iat` shows Keycloak's clock, because responses have no date. */
export const userServiceToken = async ({ keycloakUrl, userServiceSecret }: InstallationAddresses): Promise<string> => {
  const fields = {
    grant_type: 'client_credentials',
    client_id: 'clientele-user-service',
    client_secret: userServiceSecret,
  }
  const response = await get(`${keycloakUrl}/realms/${realmName}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams(fields),
  })
  if (!response.ok) throw new Error(`Keycloak refused the service account of user-service (${response.status})`)
  return ((await response.json()) as { access_token: string }).access_token
}

type Claims = { iat: number; aud?: string | string[]; realm_access?: { roles?: string[] } }

const claimsOf = (token: string): Claims =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims

/** Checks that tokens have the audience and the roles that services require. Signs in with the given account. */
export const audienceCheck = ({ gatewayUrl }: InstallationAddresses, username: string, password: string): Check => ({
  name: 'audience and roles',
  fix: `add an audience mapper for ${audience} and the role "user" in the scope to the clients ${consoleClient} and clientele-login`,
  run: async () => {
    const response = await get(`${gatewayUrl}/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password }),
    })
    if (!response.ok) throw new Error(`"${username}" cannot sign in through the gateway (${response.status})`)
    const { accessToken } = (await response.json()) as { accessToken: string }
    const claims = claimsOf(accessToken)
    if (![claims.aud].flat().includes(audience))
      throw new Error(`the audience of the token is ${String(claims.aud)}, expected ${audience}`)
    if (!claims.realm_access?.roles?.includes('user')) throw new Error('the token does not have the role "user"')
    const me = await get(`${gatewayUrl}/v1/users/me`, { headers: { authorization: `Bearer ${accessToken}` } })
    if (!me.ok) throw new Error(`the gateway returned ${me.status} for a new token`)
    return audience
  },
})

/** Runs `work` on a connection of its own, with a time limit. */
export const withDatabase = async (url: string, work: (client: pg.Client) => Promise<string>): Promise<string> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Checks that a service's schema has all migrations of this release. */
const schemaCheckAt = (service: string, url: string): Check => ({
  name: `schema of ${service}`,
  fix: 'run `npm run migrate`; in a cluster, run the migration Job of this release',
  run: () =>
    withDatabase(url, async (client) => {
      const { rows } = await client.query<{ name: string }>('SELECT name FROM schema_migrations')
      const applied = new Set(rows.map(({ name }) => name))
      const missing = migrationsOf(service).filter((name) => !applied.has(name))
      if (missing.length > 0) throw new Error(`migrations are missing: ${missing.join(', ')}`)
      return `${applied.size} migrations`
    }),
})

/** Checks that the indexes of sorted names were built with the server's version of ICU, whose order can change. */
const nameOrderCheckAt = (service: string, url: string): Check => ({
  name: `order of names in ${service}`,
  fix: 'reindex the sorted lists, as docs/operate.md says under "Upgrades"',
  run: () =>
    withDatabase(url, async (client) => {
      const { rows } = await client.query<{ built: string; present: string }>(
        `select collversion as built, pg_collation_actual_version(oid) as present
        from pg_collation where collname = 'text_order' and pg_collation_is_visible(oid)`,
      )
      const [row] = rows
      if (row && row.built !== row.present)
        throw new Error(`names were sorted by ICU ${row.built}, and the server has ${row.present}`)
      return row ? `ICU ${row.present}` : 'no sorted names yet'
    }),
})

/** The checks of a service's database. */
export const databaseChecksAt = (service: string, url: string): Check[] => [
  schemaCheckAt(service, url),
  nameOrderCheckAt(service, url),
]

/** The names of the migrations that this release has for a service. */
export const migrationsOf = (service: string): string[] =>
  readdirSync(join(projectRoot, service, 'migrations'))
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -4))

export const mediaFolderCheck = (folder: string): Check => ({
  name: 'photo store',
  fix: `give the account that runs media-service write access to ${folder}, or set CLIENTELE_HOME to another folder`,
  run: async () => {
    await access(folder, constants.R_OK | constants.W_OK)
    return folder
  },
})

/** In production only the internal port says which parts are down. */
export const healthCheck = ({ gatewayUrl, gatewayInternalUrl }: InstallationAddresses): Check => ({
  name: 'gateway and services',
  fix: 'read the log of each part that is named above (if none is, set GATEWAY_INTERNAL_URL to the internal port of the gateway); with `npm start`, logs are in the folder `logs` of the data folder',
  run: async () => {
    const url = `${gatewayInternalUrl || gatewayUrl}/health`
    const response = await get(url)
    const { checks = [] } = (await response.json().catch(() => ({}))) as { checks?: Part[] }
    const down = checks.filter(({ status }) => status !== 'up').map(({ name, detail }) => `${name}: ${detail}`)
    if (!response.ok) throw new Error([`${url} returned ${response.status}`, ...down].join('; '))
    return `${gatewayUrl}, ${services.length} processes`
  },
})
