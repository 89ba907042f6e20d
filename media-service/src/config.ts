import { databaseConfig } from '@clientele/platform/data/database-config'
import { commaList, flag, httpUrl, integer, loadConfig, serviceConfig } from '@clientele/platform/runtime/config'
import { z } from 'zod'

export const configShape = {
  ...serviceConfig,
  ...databaseConfig,
  /** The gateway's address as browsers know it: links to photos begin with it; without it they are paths. */
  publicUrl: httpUrl.optional(),
  /** Uploads over slow lines take longer than other requests. */
  requestTimeoutMs: integer(100, 600_000).default(120_000),
  mediaStore: z.enum(['folder', 'gcs']).default('folder'),
  mediaFolder: z.string().optional().describe('where the store `folder` keeps photos'),
  mediaBucket: z.string().optional().describe('the bucket of the store `gcs`'),
  gcsEndpoint: httpUrl.optional().describe('another address of the Cloud Storage API, such as an emulator'),
  mediaRedirect: flag.default(false).describe('with `gcs`: answer content with 302 to a signed bucket address'),
  /** The key that media links are signed with; who makes such links has the same. */
  mediaSigningKey: z.string().min(32, 'must have at least 32 characters'),
  /** Further keys whose links are taken, while the key is being changed. */
  mediaSigningKeysAccepted: commaList
    .default([])
    .refine((keys) => keys.every((key) => key.length >= 32), 'each must have at least 32 characters'),
  mediaLinkTtlSeconds: integer(60, 604_800).default(3_600),
  mediaMaxBytes: integer(1_024, 200_000_000).default(20 * 1024 * 1024),
  mediaMaxPixels: integer(1_000, 268_000_000).default(40_000_000),
  mediaIdleMs: integer(100, 600_000).default(20_000).describe('an upload that sends nothing for so long is ended'),
  mediaMaxUploads: integer(1, 1_000).default(40).describe('uploads at the same time; further ones get 503'),
  mediaSweepIntervalMs: integer(1_000, 86_400_000).default(3_600_000),
}
export type MediaConfig = z.infer<z.ZodObject<typeof configShape>>

/** @throws ConfigError naming every fault */
export const config = (): MediaConfig => loadConfig(configShape)
