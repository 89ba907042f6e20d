import { isTimeZone } from '@clientele/contracts/fields'
import { z } from 'zod'
import { plainAddresses } from './plain-addresses.ts'

/** Thrown by {@link loadConfig}. The message lists every invalid variable, and never a value. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** The exit code after a {@link ConfigError}, EX_CONFIG of sysexits.h. A restart with the same settings would fail again. */
export const configErrorExitCode = 78

/** Returns the environment variable of a key: `databaseUrl` → `DATABASE_URL`. */
export const envName = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()

/** An integer from `min` to `max`, written as text. */
export const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max)
/** `true` or `false`. */
export const flag = z.enum(['true', 'false']).transform((value) => value === 'true')
/** An absolute http(s) URL without a trailing slash. */
export const httpUrl = z.url({ protocol: /^https?$/ }).transform((value) => value.replace(/\/+$/, ''))
/** A comma-separated list: `'a, b'` → `['a', 'b']`. An empty string is an empty list. */
/** The setting `SHOP_TIME_ZONE`: where the shop's days begin. */
export const shopTimeZone = z
  .string()
  .refine(isTimeZone, 'must be a name of the IANA time zone database, such as Africa/Nairobi')
  .default('UTC')
  .describe('the time zone in which the days of summaries begin and front ends show times')

export const commaList = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
)

/** Whether a text is an origin (RFC 6454), such as `https://crm.example.com`, and nothing more. */
export const isOrigin = (text: string): boolean =>
  !text.includes('*') && URL.canParse(text) && new URL(text).origin === text

/** The secrets in docker-compose.yml, which everybody can read, begin with this prefix. */
const publishedSecretPattern = /\blocal-only-/

/** Returns the names of the variables whose value is a published secret. */
export const publishedSecrets = (env: Record<string, string | undefined>): string[] =>
  Object.keys(env)
    .filter((name) => publishedSecretPattern.test(env[name] ?? ''))
    .sort()

const productionErrors = (raw: Record<string, string>): string[] => [
  ...publishedSecrets(raw).map((key) => `${envName(key)} has the published secret of the local profile`),
  ...plainAddresses(raw).map((key) => `${envName(key)} needs TLS (https or amqps) with PROFILE=production`),
]

/**
 * Reads a configuration from environment variables; `databaseUrl` comes from `DATABASE_URL`. An empty variable counts as absent.
 * If the shape has a `profile`, every profile but `local` refuses published secrets, and addresses without TLS that lead through
 * public networks.
 * @throws ConfigError with all errors at once
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
  const refused = isProduction ? productionErrors(raw) : []
  if (result.success && refused.length === 0) return result.data
  const errors = (result.error?.issues ?? []).map((issue) => {
    const key = String(issue.path[0])
    return raw[key] === undefined ? `${envName(key)} is missing` : `${envName(key)}: ${issue.message}`
  })
  throw new ConfigError(`configuration: ${[...errors, ...refused].join('; ')}`)
}

/** Settings of every process. Times are in milliseconds, sizes in bytes. */
export const serviceConfig = {
  /** `local` allows published passwords and plain HTTP at public addresses; `production` refuses them. */
  profile: z.enum(['local', 'production']).default('production'),
  host: z.string().default('0.0.0.0'),
  port: integer(0, 65_535).default(8000),
  internalHost: z.string().default('0.0.0.0'),
  internalPort: integer(0, 65_535).default(8100),
  logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  rabbitmqUrl: z.url({ protocol: /^amqps?$/ }),
  keycloakUrl: httpUrl.describe('base URL at which this process reaches Keycloak'),
  keycloakIssuer: httpUrl.describe('`iss` of access tokens: <public Keycloak URL>/realms/<realm>'),
  keycloakAudience: z.string().default('clientele-api'),
  otelExporterOtlpEndpoint: httpUrl.optional(),
  sentryDsn: httpUrl.optional().describe('DSN of the Sentry project that unexpected errors are reported to'),
  shutdownMs: integer(100, 300_000).default(25_000),
  shutdownPauseMs: integer(0, 60_000).default(3_000),
  requestTimeoutMs: integer(100, 600_000).default(30_000),
  maxBodyBytes: integer(1_024, 100_000_000).default(1_000_000),
  /** What all requests of one user may cost in one process; see `http/work-budget`. */
  workMsPerMinute: integer(100, 10_000_000).default(30_000),
  bodyBytesPerMinute: integer(1_024, 1_000_000_000_000).default(100_000_000),
  batchItemsPerMinute: integer(1, 1_000_000_000).default(60_000),
  rowsPerMinute: integer(1, 1_000_000_000).default(100_000),
  keptBytesPerDay: integer(1_024, 1_000_000_000_000_000).default(5_000_000_000),
}
export type ServiceConfig = z.infer<z.ZodObject<typeof serviceConfig>>
