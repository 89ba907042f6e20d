import { readdirSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import amqp from 'amqplib'
import pg from 'pg'
import { projectRoot } from '../processes/folders.ts'
import { realmName, services } from '../profile/services.ts'

/** A thing that can be wrong, and what to do then. `look` says what it found, or throws. */
export type Check = { name: string; fix: string; look: () => Promise<string> }

/** Where an installation answers; `gatewayUrl` and `keycloakUrl` as it is reached from here. */
export type Place = {
  publicUrl: string
  gatewayUrl: string
  keycloakUrl: string
  keycloakPublicUrl: string
  userServiceSecret: string
}

const timeoutMs = 8000
const audience = 'clientele-api'
const consoleClient = 'clientele-console'
const maxSkewMs = 5000

const get = async (url: string, init: RequestInit = {}): Promise<Response> =>
  fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs), ...init }).catch((error: unknown) => {
    throw new Error(
      `${new URL(url).origin} does not answer (${error instanceof Error ? error.message : String(error)})`,
    )
  })

const json = async (url: string): Promise<Record<string, unknown>> => {
  const response = await get(url)
  if (!response.ok) throw new Error(`${url} answers ${response.status}`)
  return (await response.json()) as Record<string, unknown>
}

const same = (found: unknown, wanted: string, what: string): string => {
  if (found !== wanted) throw new Error(`${what} is ${String(found)}, expected ${wanted}`)
  return wanted
}

/** The checks of the way from a browser to a token that the gateway takes. */
export const identityChecks = (place: Place): Check[] => {
  const { publicUrl, gatewayUrl, keycloakUrl, keycloakPublicUrl } = place
  const issuer = `${keycloakPublicUrl}/realms/${realmName}`
  const discovery = (base: string) => json(`${base}/realms/${realmName}/.well-known/openid-configuration`)
  return [
    {
      name: 'issuer',
      fix: 'Keycloak must be started with --hostname equal to the public address (CLIENTELE_KEYCLOAK_PUBLIC_URL), and KEYCLOAK_ISSUER of the services must say the same',
      look: async () => {
        same((await discovery(keycloakUrl)).issuer, issuer, "Keycloak's issuer")
        return same((await json(`${gatewayUrl}/v1/auth/config`)).issuer, issuer, "the gateway's issuer")
      },
    },
    {
      name: 'signing keys (JWKS)',
      fix: 'open the realm in the Keycloak console, Realm settings, Keys: an active RS256 key is needed',
      look: async () => {
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
      fix: 'set the clocks of both machines by NTP: tokens are refused when they differ',
      look: async () => {
        const response = await get(`${gatewayUrl}/health/live`)
        const there = Date.parse(response.headers.get('date') ?? '')
        const skew = Math.abs(there - Date.now())
        const keycloak = Math.abs(claimsOf(await keycloakToken(place)).iat * 1000 - Date.now())
        if (Number.isNaN(skew) || Math.max(skew, keycloak) > maxSkewMs)
          throw new Error(`clocks differ by ${Math.max(skew, keycloak)} ms`)
        return 'in step'
      },
    },
    {
      name: 'redirect address',
      fix: `the client ${consoleClient} needs ${publicUrl}/* among its valid redirect URIs; \`npm start\` sets it from CLIENTELE_PUBLIC_URL`,
      look: async () => {
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
          throw new Error(`Keycloak answers ${response.status} to a sign-in from ${publicUrl}`)
        return publicUrl
      },
    },
  ]
}

/** A token of user-service's account; Keycloak's answers carry no date, but this says when it was made. */
export const keycloakToken = async ({ keycloakUrl, userServiceSecret }: Place): Promise<string> => {
  const fields = {
    grant_type: 'client_credentials',
    client_id: 'clientele-user-service',
    client_secret: userServiceSecret,
  }
  const response = await get(`${keycloakUrl}/realms/${realmName}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams(fields),
  })
  if (!response.ok) throw new Error(`Keycloak refuses the account of user-service (${response.status})`)
  return ((await response.json()) as { access_token: string }).access_token
}

type Claims = { iat: number; aud?: string | string[]; realm_access?: { roles?: string[] } }

const claimsOf = (token: string): Claims =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims

/** The check that tokens carry the audience and roles that services look for; it needs somebody's password. */
export const audienceCheck = ({ gatewayUrl }: Place, username: string, password: string): Check => ({
  name: 'audience and roles',
  fix: `the clients ${consoleClient} and clientele-login need an audience mapper for ${audience}, and the role "user" in their scope`,
  look: async () => {
    const response = await get(`${gatewayUrl}/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password }),
    })
    if (!response.ok) throw new Error(`"${username}" cannot sign in through the gateway (${response.status})`)
    const { accessToken } = (await response.json()) as { accessToken: string }
    const claims = claimsOf(accessToken)
    if (![claims.aud].flat().includes(audience))
      throw new Error(`the token is for ${String(claims.aud)}, not for ${audience}`)
    if (!claims.realm_access?.roles?.includes('user')) throw new Error('the token carries no role "user"')
    const me = await get(`${gatewayUrl}/v1/users/me`, { headers: { authorization: `Bearer ${accessToken}` } })
    if (!me.ok) throw new Error(`the gateway answers ${me.status} to a fresh token`)
    return audience
  },
})

export const brokerCheck = (url: string): Check => ({
  name: 'broker',
  fix: 'start RabbitMQ, and see that address, user and password of RABBITMQ_URL are right',
  look: async () => {
    const connection = await amqp.connect(url, { timeout: timeoutMs })
    await connection.close()
    return new URL(url).host
  },
})

/** Looks into a database on a connection of its own, within the doctor's time. */
export const lookInto = async (url: string, look: (client: pg.Client) => Promise<string>): Promise<string> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await look(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Whether the schema of a service is what its code expects. */
export const schemaCheckAt = (service: string, url: string): Check => ({
  name: `schema of ${service}`,
  fix: 'run `npm run migrate`; in a cluster the migration job of this release',
  look: () =>
    lookInto(url, async (client) => {
      const { rows } = await client.query<{ name: string }>('SELECT name FROM schema_migrations')
      const applied = new Set(rows.map(({ name }) => name))
      const missing = migrationsOf(service).filter((name) => !applied.has(name))
      if (missing.length > 0) throw new Error(`lacks ${missing.join(', ')}`)
      return `${applied.size} migrations`
    }),
})

/** The migrations of a service's own that this release has. */
export const migrationsOf = (service: string): string[] =>
  readdirSync(join(projectRoot, service, 'migrations'))
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -4))

export const folderCheck = (folder: string): Check => ({
  name: 'photo store',
  fix: `make ${folder} writable for the account that runs media-service, or move it with CLIENTELE_HOME`,
  look: async () => {
    await access(folder, constants.R_OK | constants.W_OK)
    return folder
  },
})

export const healthCheck = ({ gatewayUrl }: Place): Check => ({
  name: 'gateway and services',
  fix: 'what is down is named above: read its log (with `npm start` in the folder `logs` of the data folder)',
  look: async () => {
    const response = await get(`${gatewayUrl}/health/ready`)
    if (!response.ok)
      throw new Error(`${gatewayUrl}/health/ready answers ${response.status}: ${(await response.text()).slice(0, 400)}`)
    return `${gatewayUrl}, ${services.length} parts`
  },
})
