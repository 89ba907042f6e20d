import { createStore } from '@clientele/media-service/storage/create-store'
import { createTransport } from 'nodemailer'
import { services } from '../profile/services.ts'
import {
  audienceCheck,
  brokerCheck,
  type Check,
  healthCheck,
  identityChecks,
  lookInto,
  type Place,
  schemaCheckAt,
} from './installation-checks.ts'
import { defaultPasswordsCheck, journalsCheck, realmCheck } from './realm-checks.ts'

const timeoutMs = 8_000
const supported = [15, 18] as const

/** What is asked of an installation that only the environment describes: the variables that its services have themselves. */
export const checksElsewhere = (env: NodeJS.ProcessEnv): Check[] => {
  const wanted = ['PUBLIC_URL', 'KEYCLOAK_URL', 'KEYCLOAK_ISSUER', 'KEYCLOAK_CLIENT_SECRET', 'RABBITMQ_URL']
  const missing = wanted.filter((name) => !env[name])
  if (missing.length > 0) throw new Error(`${missing.join(', ')} must be set, as the services have them`)
  const text = (name: string): string => (env[name] ?? '').replace(/\/+$/, '')
  const place: Place = {
    publicUrl: text('PUBLIC_URL'),
    gatewayUrl: text('GATEWAY_URL') || text('PUBLIC_URL'),
    keycloakUrl: text('KEYCLOAK_URL'),
    keycloakPublicUrl: text('KEYCLOAK_ISSUER').replace(/\/realms\/[^/]+$/, ''),
    userServiceSecret: text('KEYCLOAK_CLIENT_SECRET'),
  }
  const databases = services.flatMap((row) => {
    const url = row.schema && env[`${row.schema.name.toUpperCase()}_DATABASE_URL`]
    return url ? [{ row, url }] : []
  })
  const { DOCTOR_USERNAME: username, DOCTOR_PASSWORD: password } = env
  return [
    healthCheck(place),
    ...identityChecks(place),
    httpsCheck(place, env.PROFILE !== 'local'),
    ...(username && password ? [audienceCheck(place, username, password)] : []),
    journalsCheck(place),
    ...realmCheck(place, env),
    ...(env.PROFILE !== 'local' ? [defaultPasswordsCheck(place, env)] : []),
    brokerCheck(text('RABBITMQ_URL')),
    ...databases.flatMap(({ row, url }) => [schemaCheckAt(row.name, url)]),
    ...databases.slice(0, 1).map(({ url }) => serverCheck(url)),
    storeCheck(env),
    mailCheck(env.SMTP_URL ?? ''),
    smsCheck(env),
  ]
}

const httpsCheck = ({ publicUrl, keycloakPublicUrl }: Place, required: boolean): Check => ({
  name: 'TLS',
  fix: 'put a proxy or Ingress with a certificate in front of gateway and Keycloak, and give their https addresses in PUBLIC_URL and KEYCLOAK_ISSUER',
  look: async () => {
    const plain = [publicUrl, keycloakPublicUrl].filter((url) => !url.startsWith('https:'))
    if (required && plain.length > 0) throw new Error(`${plain.join(' and ')} can be read on the way`)
    return plain.length > 0 ? 'plain http, which the local profile allows' : 'https'
  },
})

const serverCheck = (url: string): Check => ({
  name: 'PostgreSQL',
  fix: `PostgreSQL ${supported.join(' to ')} is supported; set its clock by NTP`,
  look: () =>
    lookInto(url, async (client) => {
      const { rows } = await client.query<{ version: string; now: Date }>(
        `select current_setting('server_version') as version, clock_timestamp() as now`,
      )
      const [row] = rows
      const major = Number.parseInt(row?.version ?? '', 10)
      if (major < supported[0] || major > supported[1]) throw new Error(`this is version ${row?.version}`)
      const skew = Math.abs((row?.now.getTime() ?? 0) - Date.now())
      if (skew > 5_000) throw new Error(`its clock differs by ${skew} ms`)
      return `version ${row?.version}`
    }),
})

const storeCheck = (env: NodeJS.ProcessEnv): Check => ({
  name: 'photo store',
  fix: 'MEDIA_STORE, MEDIA_FOLDER or MEDIA_BUCKET as media-service has them; its account needs to list, read, write and delete objects there',
  look: async () => {
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
  fix: 'SMTP_URL as notification-service has it: smtp:// or smtps://, host, port, user and password; the port must be open from here',
  look: async () => {
    if (url === '') return 'none: customers without a telephone number get no message'
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
  fix: 'SMS_PROVIDER=africastalking needs AFRICASTALKING_USERNAME and AFRICASTALKING_API_KEY of one application (user name sandbox: of the sandbox), and an open way to its API',
  look: async () => {
    if (env.SMS_PROVIDER !== 'africastalking') return 'log: no message is sent'
    const { AFRICASTALKING_USERNAME: username = '', AFRICASTALKING_API_KEY: apiKey = '' } = env
    if (!username || !apiKey) throw new Error('user name or key is missing')
    const host = username === 'sandbox' ? 'https://api.sandbox.africastalking.com' : 'https://api.africastalking.com'
    const url = `${env.AFRICASTALKING_URL || host}/version1/user?username=${encodeURIComponent(username)}`
    const response = await fetch(url, {
      headers: { apiKey, accept: 'application/json' },
      signal: AbortSignal.timeout(timeoutMs),
    })
    await response.body?.cancel()
    if (!response.ok) throw new Error(`it answers ${response.status} to the account "${username}"`)
    return env.CALLBACK_SECRET
      ? `account ${username}`
      : `account ${username}; no CALLBACK_SECRET, so no delivery reports`
  },
})
