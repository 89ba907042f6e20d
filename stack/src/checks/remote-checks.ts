import { brokerProcesses } from '@clientele/contracts/broker-accounts'
import { envPrefix } from '@clientele/contracts/services'
import { createStore } from '@clientele/media-service/storage/create-store'
import { createTransport } from 'nodemailer'
import { services } from '../profile/services.ts'
import { brokerAccountsCheck, brokerCheck } from './broker-checks.ts'
import {
  audienceCheck,
  type Check,
  databaseChecksAt,
  healthCheck,
  type InstallationAddresses,
  identityChecks,
  withDatabase,
} from './installation-checks.ts'
import { defaultPasswordsCheck, eventLogsCheck, realmChecks } from './realm-checks.ts'

const timeoutMs = 8_000
const supportedVersions = [15, 18] as const

/**
 * The checks of an installation that the environment describes, with the variables that its services have.
 * @throws Error naming the variables that are missing
 */
export const remoteChecks = (env: NodeJS.ProcessEnv): Check[] => {
  const required = ['PUBLIC_URL', 'KEYCLOAK_URL', 'KEYCLOAK_ISSUER', 'KEYCLOAK_CLIENT_SECRET', 'RABBITMQ_URL']
  const missing = required.filter((name) => !env[name])
  if (missing.length > 0) throw new Error(`${missing.join(', ')} must be set to the values that the services have`)
  const urlOf = (name: string): string => (env[name] ?? '').replace(/\/+$/, '')
  const addresses: InstallationAddresses = {
    publicUrl: urlOf('PUBLIC_URL'),
    gatewayUrl: urlOf('GATEWAY_URL') || urlOf('PUBLIC_URL'),
    gatewayInternalUrl: urlOf('GATEWAY_INTERNAL_URL'),
    keycloakUrl: urlOf('KEYCLOAK_URL'),
    keycloakPublicUrl: urlOf('KEYCLOAK_ISSUER').replace(/\/realms\/[^/]+$/, ''),
    userServiceSecret: env.KEYCLOAK_CLIENT_SECRET ?? '',
  }
  const databases = services.flatMap((row) => {
    const url = row.schema && env[`${row.schema.name.toUpperCase()}_DATABASE_URL`]
    return url ? [{ row, url }] : []
  })
  const { DOCTOR_USERNAME: username, DOCTOR_PASSWORD: password } = env
  return [
    healthCheck(addresses),
    ...identityChecks(addresses),
    httpsCheck(addresses, env.PROFILE !== 'local'),
    ...(username && password ? [audienceCheck(addresses, username, password)] : []),
    eventLogsCheck(addresses),
    ...realmChecks(addresses, env),
    ...(env.PROFILE !== 'local' ? [defaultPasswordsCheck(addresses, env)] : []),
    brokerCheck(urlOf('RABBITMQ_URL')),
    brokerAccountsCheck(brokerUrls(env), env.PROFILE !== 'local'),
    ...databases.flatMap(({ row, url }) => databaseChecksAt(row.name, url)),
    ...databases.slice(0, 1).map(({ url }) => postgresCheck(url)),
    mediaStoreCheck(env),
    mailCheck(env.SMTP_URL ?? ''),
    smsCheck(env),
  ]
}

/** The URLs of the services' accounts, or `RABBITMQ_URL` if the environment has none. */
const brokerUrls = (env: NodeJS.ProcessEnv): Map<string, string> => {
  const urls = brokerProcesses().flatMap((process): [string, string][] => {
    const url = env[`${envPrefix(process)}_RABBITMQ_URL`]
    return url ? [[process, url]] : []
  })
  return new Map(urls.length > 0 ? urls : [['RABBITMQ_URL', env.RABBITMQ_URL ?? '']])
}

const httpsCheck = ({ publicUrl, keycloakPublicUrl }: InstallationAddresses, required: boolean): Check => ({
  name: 'TLS',
  fix: 'put a proxy or Ingress with a certificate in front of the gateway and Keycloak, and set PUBLIC_URL and KEYCLOAK_ISSUER to their https addresses',
  run: async () => {
    const plain = [publicUrl, keycloakPublicUrl].filter((url) => !url.startsWith('https:'))
    if (required && plain.length > 0) throw new Error(`no TLS: ${plain.join(', ')}`)
    return plain.length > 0 ? 'http, which the local profile allows' : 'https'
  },
})

const postgresCheck = (url: string): Check => ({
  name: 'PostgreSQL',
  fix: `use PostgreSQL ${supportedVersions.join(' to ')}, and synchronise its clock by NTP`,
  run: () =>
    withDatabase(url, async (client) => {
      const { rows } = await client.query<{ version: string; now: Date }>(
        `select current_setting('server_version') as version, clock_timestamp() as now`,
      )
      const [row] = rows
      const major = Number.parseInt(row?.version ?? '', 10)
      if (major < supportedVersions[0] || major > supportedVersions[1])
        throw new Error(`version ${row?.version} is not supported`)
      const skew = Math.abs((row?.now.getTime() ?? 0) - Date.now())
      if (skew > 5_000) throw new Error(`its clock differs by ${skew} ms`)
      return `version ${row?.version}`
    }),
})

const mediaStoreCheck = (env: NodeJS.ProcessEnv): Check => ({
  name: 'photo store',
  fix: 'set MEDIA_STORE and MEDIA_FOLDER or MEDIA_BUCKET to the values that media-service has; its account needs to list, read, write and delete objects',
  run: async () => {
    const kind = env.MEDIA_STORE === 'gcs' ? 'gcs' : 'folder'
    const store = await createStore({
      mediaStore: kind,
      mediaFolder: env.MEDIA_FOLDER || undefined,
      mediaBucket: env.MEDIA_BUCKET || undefined,
      gcsEndpoint: env.GCS_ENDPOINT || undefined,
    })
    await store.ping()
    return kind === 'gcs' ? `bucket ${env.MEDIA_BUCKET}` : String(env.MEDIA_FOLDER)
  },
})

const mailCheck = (url: string): Check => ({
  name: 'mail server',
  fix: 'set SMTP_URL to the value that notification-service has, such as smtps://user:password@smtp.example.com:465, and open the port for this machine',
  run: async () => {
    if (url === '') return 'none, so customers who get no SMS get no message'
    const transport = createTransport({ url, connectionTimeout: timeoutMs, greetingTimeout: timeoutMs })
    try {
      await transport.verify()
      return new URL(url).host
    } finally {
      transport.close()
    }
  },
})

const smsCheck = (env: NodeJS.ProcessEnv): Check => ({
  name: 'SMS provider',
  fix: 'set AFRICASTALKING_USERNAME and AFRICASTALKING_API_KEY to those of one application (with the user name sandbox, to the key of the sandbox), and allow connections to its API',
  run: async () => {
    if (env.SMS_PROVIDER !== 'africastalking') return 'none, so customers get e-mails only'
    const { AFRICASTALKING_USERNAME: username = '', AFRICASTALKING_API_KEY: apiKey = '' } = env
    if (!username || !apiKey) throw new Error('AFRICASTALKING_USERNAME or AFRICASTALKING_API_KEY is not set')
    const host = username === 'sandbox' ? 'https://api.sandbox.africastalking.com' : 'https://api.africastalking.com'
    const url = `${env.AFRICASTALKING_URL || host}/version1/user?username=${encodeURIComponent(username)}`
    const response = await fetch(url, {
      headers: { apiKey, accept: 'application/json' },
      signal: AbortSignal.timeout(timeoutMs),
    })
    await response.body?.cancel()
    if (!response.ok) throw new Error(`the API returned ${response.status} for the account "${username}"`)
    return env.CALLBACK_SECRET
      ? `account ${username}`
      : `account ${username}; no delivery reports, because CALLBACK_SECRET is not set`
  },
})
