import { registry } from '@clientele/contracts/services'
import { commaList, flag, httpUrl, integer, loadConfig, serviceConfig } from '@clientele/platform/runtime/config'
import { z } from 'zod'

const origins = commaList.refine(
  (list) => list.every((item) => URL.canParse(item) && new URL(item).origin === item),
  'must be origins such as https://crm.example.com, without a path',
)

type AddressKey = `${string}Url`

/** The settings with the addresses of a service: `user-service` → `userServiceUrl` and `userServiceInternalUrl`. */
export const addressKeys = (name: string): { url: AddressKey; internalUrl: AddressKey } => {
  const key = name.replace(/-service$/, 'Service')
  return { url: `${key}Url`, internalUrl: `${key}InternalUrl` }
}

/** Every address of these services, as required settings. */
export const addressShape = (services: { name: string }[]): Record<AddressKey, typeof httpUrl> =>
  Object.fromEntries(services.flatMap(({ name }) => Object.values(addressKeys(name)).map((key) => [key, httpUrl])))

/** Times are milliseconds, sizes bytes; limits of rate count requests in `rateLimitWindowSeconds`. */
export const configShape = {
  ...serviceConfig,
  /** How long a whole request may take to arrive, uploads included. */
  requestTimeoutMs: integer(1_000, 3_600_000).default(300_000),
  publicUrl: httpUrl,
  consoleClientId: z.string().default('clientele-console'),

  ...addressShape(registry.services),
  /** One of these: the gateway itself reads revocations there. */
  userServiceInternalUrl: httpUrl,

  corsOrigins: origins.default([]),
  /** Proxies in front of the gateway whose `X-Forwarded-For` entry is believed. */
  trustedProxies: integer(0, 10).default(0),
  maxUploadBytes: integer(1_024, 10_000_000_000).default(25_000_000),
  /** Largest file of an import. */
  maxFileBytes: integer(1_024, 10_000_000_000).default(500_000_000),
  upstreamConnectMs: integer(50, 60_000).default(2_000),
  upstreamTimeoutMs: integer(50, 600_000).default(30_000),
  /** How long a request may wait for a free connection to its service. */
  upstreamQueueMs: integer(50, 60_000).default(5_000),
  /** Connections to each service; as many again for streams. */
  upstreamConnections: integer(1, 10_000).default(256),
  /** Requests under way to each service; more are answered with 503. */
  maxInFlight: integer(1, 100_000).default(1_024),
  /** Requests under way of one user, or of one address where nobody is signed in. */
  maxInFlightPerClient: integer(1, 100_000).default(200),
  /** How long a client may neither send nor take a byte; a body that is no upload must be there by then. */
  clientStallMs: integer(100, 600_000).default(30_000),

  rateLimitWindowSeconds: integer(1, 3_600).default(60),
  rateLimitUser: integer(1, 10_000_000).default(3_000),
  rateLimitAddress: integer(1, 10_000_000).default(12_000),
  /** Sign-in, sign-up, refresh and password reset, by address. */
  rateLimitAuth: integer(1, 10_000_000).default(30),

  revocationPollMs: integer(100, 60_000).default(3_000),

  docsEnabled: flag.default(true),
}
export type GatewayConfig = z.infer<z.ZodObject<typeof configShape>> & Record<AddressKey, string>

export const config = (): GatewayConfig => loadConfig(configShape)
