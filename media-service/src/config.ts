import type { PublicSettings } from '@clientele/contracts/installation'
import { revocationConfig } from '@clientele/platform/auth/revocation-config'
import { databaseConfig } from '@clientele/platform/data/database-config'
import { commaList, flag, httpUrl, integer, loadConfig, serviceConfig } from '@clientele/platform/runtime/config'
import { z } from 'zod'
import { sandboxModes } from './images/sandbox.ts'

const decoderUrl = /^(?:unix:\/[^/].*|http:\/\/[^/?#@]+\/?)$/

export const configShape = {
  ...serviceConfig,
  ...revocationConfig,
  ...databaseConfig,
  /** The address of the gateway for browsers. Links to images begin with it; without it they are paths. */
  publicUrl: httpUrl.optional(),
  /** Longer than in other services, because an upload over a slow connection takes its time. */
  requestTimeoutMs: integer(100, 600_000).default(120_000),
  mediaStore: z.enum(['folder', 'gcs']).default('folder'),
  mediaFolder: z.string().optional().describe('the folder of the store `folder`'),
  mediaBucket: z.string().optional().describe('the bucket of the store `gcs`'),
  gcsEndpoint: httpUrl
    .optional()
    .describe('the address of the Cloud Storage API, if it is not the public one, such as that of an emulator'),
  mediaRedirect: flag.default(false).describe('with `gcs`: redirect content requests to signed URLs of the bucket'),
  /** The key that signs links to images. All services that create such links have the same key. */
  mediaSigningKey: z.string().min(32, 'must have at least 32 characters'),
  /** Further keys whose links are accepted, for the time in which the key is changed. */
  mediaSigningKeysAccepted: commaList
    .default([])
    .refine((keys) => keys.every((key) => key.length >= 32), 'each must have at least 32 characters'),
  mediaLinkTtlSeconds: integer(60, 604_800).default(3_600),
  mediaMaxBytes: integer(1_024, 200_000_000).default(20 * 1024 * 1024),
  mediaMaxPixels: integer(1_000, 268_000_000).default(100_000_000),
  mediaMegapixelsPerMinute: integer(1, 1_000_000).default(1_000).describe('megapixels that one user may upload'),
  imageSandbox: z
    .enum(sandboxModes)
    .default('auto')
    .describe('whether images are decoded in a sandbox of bubblewrap: auto (if it works), required or none'),
  imageDecoderUrl: z
    .string()
    .regex(decoderUrl, 'must be http://host:port or unix:/path')
    .optional()
    .describe('the decoder that decodes images, instead of a process of this service'),
  mediaIdleMs: integer(100, 600_000).default(20_000).describe('an upload that sends nothing for this time is ended'),
  mediaMaxUploads: integer(1, 1_000).default(40).describe('concurrent uploads; further ones get 503'),
  mediaMaxUnused: integer(1, 10_000_000).default(5_000).describe('images of one user that nothing shows'),
  mediaMaxUnusedBytes: integer(1_024, 1_000_000_000_000).default(5_000_000_000),
  mediaSweepIntervalMs: integer(1_000, 86_400_000).default(3_600_000),
}
export type MediaConfig = z.infer<z.ZodObject<typeof configShape>>

/** The settings that everybody may know. */
export const publicSettings = (config: MediaConfig): PublicSettings => ({
  limits: { uploadBytes: config.mediaMaxBytes },
})

/** @throws ConfigError that names every wrong setting */
export const config = (): MediaConfig => loadConfig(configShape)

const { logLevel, shutdownMs, host, port } = serviceConfig

/** The settings of the decoder, which has no secret. */
export const decoderConfigShape = {
  logLevel,
  shutdownMs,
  host,
  port,
  imageDecoderSocket: z
    .string()
    .startsWith('/')
    .optional()
    .describe('the path of a Unix socket to listen at, instead of host and port'),
  imageSandbox: configShape.imageSandbox,
}

/** @throws ConfigError that names every wrong setting */
export const decoderConfig = () => loadConfig(decoderConfigShape)
