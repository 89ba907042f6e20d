import { z } from 'zod'

/** Raised by {@link loadConfig}; the message lists every faulty variable, never a value. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** `databaseUrl` → `DATABASE_URL` */
export const envName = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()

/** A whole number given as text. */
export const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max)
/** `true` or `false`. */
export const flag = z.enum(['true', 'false']).transform((value) => value === 'true')
/** An absolute http(s) URL without a trailing slash. */
export const httpUrl = z.url({ protocol: /^https?$/ }).transform((value) => value.replace(/\/+$/, ''))
/** Values between commas, trimmed; an empty text is an empty list. */
export const commaList = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
)

/** How secrets begin that docker-compose.yml gives to everybody who reads it. */
const published = /\blocal-only-/

/** Names of the variables that carry a published secret. */
export const publishedSecrets = (env: Record<string, string | undefined>): string[] =>
  Object.keys(env)
    .filter((name) => published.test(env[name] ?? ''))
    .sort()

/**
 * Reads a configuration from environment variables named like the keys in upper snake case. An empty variable counts as absent.
 * Where it has a `profile`, that of production refuses published secrets.
 * @throws ConfigError naming every fault at once
 */
export const loadConfig = <S extends z.ZodRawShape>(
  shape: S,
  env: Record<string, string | undefined> = process.env,
): z.infer<z.ZodObject<S>> => {
  const raw: Record<string, string> = {}
  for (const key of Object.keys(shape)) {
    const value = env[envName(key)]
    if (value !== undefined && value !== '') raw[key] = value
  }
  const result = z.object(shape).safeParse(raw)
  const isProduction = 'profile' in shape && raw['profile'] !== 'local'
  const known = isProduction ? publishedSecrets(raw) : []
  if (result.success && known.length === 0) return result.data
  const faults = (result.error?.issues ?? []).map((issue) => {
    const key = String(issue.path[0])
    return raw[key] === undefined ? `${envName(key)} is missing` : `${envName(key)}: ${issue.message}`
  })
  faults.push(...known.map((key) => `${envName(key)} has the published secret of the local profile`))
  throw new ConfigError(`configuration: ${faults.join('; ')}`)
}

/** What every process needs. Times are milliseconds, sizes bytes. */
export const serviceConfig = {
  /** `local` allows default accounts and plain http; `production` refuses them. */
  profile: z.enum(['local', 'production']).default('production'),
  host: z.string().default('0.0.0.0'),
  port: integer(0, 65_535).default(8000),
  internalHost: z.string().default('0.0.0.0'),
  internalPort: integer(0, 65_535).default(8100),
  logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  rabbitmqUrl: z.url({ protocol: /^amqps?$/ }),
  keycloakUrl: httpUrl.describe('base address of Keycloak as this process reaches it'),
  keycloakIssuer: httpUrl.describe('`iss` of access tokens: <public Keycloak address>/realms/<realm>'),
  keycloakAudience: z.string().default('clientele-api'),
  otelExporterOtlpEndpoint: httpUrl.optional(),
  sentryDsn: httpUrl.optional().describe('where faults of ours are reported to (Sentry)'),
  shutdownMs: integer(100, 300_000).default(25_000),
  shutdownPauseMs: integer(0, 60_000).default(3_000),
  requestTimeoutMs: integer(100, 600_000).default(30_000),
  maxBodyBytes: integer(1_024, 100_000_000).default(1_000_000),
}
export type ServiceConfig = z.infer<z.ZodObject<typeof serviceConfig>>
