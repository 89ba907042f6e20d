import { registry } from '@clientele/contracts/services'
import { revocationConfig } from '@clientele/platform/auth/revocation-config'
import {
  commaList,
  flag,
  httpUrl,
  integer,
  isOrigin,
  loadConfig,
  serviceConfig,
} from '@clientele/platform/runtime/config'
import { z } from 'zod'

const origins = commaList.refine(
  (list) => list.every(isOrigin),
  'must be origins such as https://crm.example.com, without a path',
)

type AddressKey = `${string}Url`

/**
 * The names of the settings with the addresses of a service: `user-service` → `userServiceUrl` and `userServiceInternalUrl`.
 */
export const addressKeys = (name: string): { url: AddressKey; internalUrl: AddressKey } => {
  const key = name.replace(/-service$/, 'Service')
  return { url: `${key}Url`, internalUrl: `${key}InternalUrl` }
}

/** The addresses of these services as required settings. */
export const addressShape = (services: { name: string }[]): Record<AddressKey, typeof httpUrl> =>
  Object.fromEntries(services.flatMap(({ name }) => Object.values(addressKeys(name)).map((key) => [key, httpUrl])))

/** Times are milliseconds, sizes bytes. Rate limits are requests per `rateLimitWindowSeconds`. */
export const configShape = {
  ...serviceConfig,
  /** How long a whole request may take to arrive, including uploads. */
  requestTimeoutMs: integer(1_000, 3_600_000).default(300_000),
  publicUrl: httpUrl,
  consoleClientId: z.string().default('clientele-console'),

  ...addressShape(registry.services),
  // userServiceInternalUrl is also one of the addresses above.
  ...revocationConfig,

  corsOrigins: origins.default([]),
  /** Origins of front ends that may also sign in with `clientele-console`: the realm has them too. */
  frontEndOrigins: origins.default([]),
  /** Host names in addition to that of `publicUrl`. IP addresses and `localhost` are always allowed. */
  allowedHosts: commaList.default([]),
  /** The number of proxies in front of the gateway whose `X-Forwarded-For` entries are trusted. */
  trustedProxies: integer(0, 10).default(0),
  maxUploadBytes: integer(1_024, 10_000_000_000).default(25_000_000),
  /** The maximum size of an import file. */
  maxFileBytes: integer(1_024, 10_000_000_000).default(500_000_000),
  upstreamConnectMs: integer(50, 60_000).default(2_000),
  upstreamTimeoutMs: integer(50, 600_000).default(30_000),
  /** The same for uploads, which a service may have to unpack. */
  upstreamFileTimeoutMs: integer(50, 3_600_000).default(180_000),
  /** How long a request may wait for a free connection to its service. */
  upstreamQueueMs: integer(50, 60_000).default(5_000),
  /** Connections to each service for ordinary requests. */
  upstreamConnections: integer(1, 10_000).default(256),
  /** Connections to each service for uploads and downloads. */
  upstreamFileConnections: integer(1, 10_000).default(128),
  /** Open streams of each service. Further ones get 503. Each is a connection of a client and one to the service. */
  upstreamStreams: integer(1, 100_000).default(4_000),
  /** How long a stream may be silent. Services send a comment every 15 s. */
  upstreamStreamIdleMs: integer(100, 600_000).default(45_000),
  /** Concurrent requests to each service. Further requests get 503. */
  maxInFlight: integer(1, 100_000).default(1_024),
  /**
   * Concurrent requests of one user, or of one address for anonymous requests. Four times as many wait for `upstreamQueueMs`.
   * Further requests get 429.
   */
  maxInFlightPerClient: integer(1, 100_000).default(32),
  /** Open streams of one user. Further ones get 429. */
  maxStreamsPerClient: integer(1, 100_000).default(8),
  /** Connections of one client's address, if no proxy is in front. Further connections are closed. */
  maxConnectionsPerAddress: integer(1, 100_000).default(200),
  /** How long a client may receive nothing. A body other than an upload must be complete by then. */
  clientStallMs: integer(100, 600_000).default(30_000),
  /** How fast a client must send an upload and read a response, on average over `clientStallMs`. */
  clientMinBytesPerSecond: integer(1, 100_000_000).default(8_000),

  rateLimitWindowSeconds: integer(1, 3_600).default(60),
  rateLimitUser: integer(1, 10_000_000).default(3_000),
  rateLimitAddress: integer(1, 10_000_000).default(12_000),
  /** Sign-in, sign-up, refresh and password reset, per address. */
  rateLimitAuth: integer(1, 10_000_000).default(30),
  rateLimitRefresh: integer(1, 10_000_000).default(1_200),

  /** Whether `/docs` and the OpenAPI and AsyncAPI documents are served. By default in the local profile only. */
  docsEnabled: flag.optional(),
}
export type GatewayConfig = z.infer<z.ZodObject<typeof configShape>> & Record<AddressKey, string>

export const config = (): GatewayConfig => loadConfig(configShape)
