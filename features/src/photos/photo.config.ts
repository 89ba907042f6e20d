import { httpUrl, integer } from '@clientele/platform/runtime/config'
import { z } from 'zod'

/** Settings of a service whose resources have photos, which are stored in media-service. */
export const photoConfig = {
  /** Public URL of the gateway. Links to photos begin with it; without it they are paths. */
  publicUrl: httpUrl.optional(),
  /** Timeout of a request. It is long, because photos may arrive on slow connections. */
  requestTimeoutMs: integer(100, 600_000).default(120_000),
  mediaServiceUrl: httpUrl,
  /** Timeout of an upload to media-service, including its processing. */
  mediaTimeoutMs: integer(100, 600_000).default(120_000),
  /** The key that signs media links; media-service must have the same. */
  mediaSigningKey: z.string().min(32, 'must have at least 32 characters'),
  mediaLinkTtlSeconds: integer(60, 604_800).default(3_600),
}
