import { httpUrl, integer } from '@clientele/platform/runtime/config'
import { z } from 'zod'

/** What a service needs whose resources have photos, which media-service keeps. */
export const photoConfig = {
  /** The gateway's address as browsers know it: links to photos begin with it; without it they are paths. */
  publicUrl: httpUrl.optional(),
  /** Photos pass through here, and over slow lines they take longer than other requests. */
  requestTimeoutMs: integer(100, 600_000).default(120_000),
  mediaServiceUrl: httpUrl,
  /** How long a media upload may take, sending and cleaning included. */
  mediaTimeoutMs: integer(100, 600_000).default(120_000),
  /** The key that media links are signed with; media-service has the same. */
  mediaSigningKey: z.string().min(32, 'must have at least 32 characters'),
  mediaLinkTtlSeconds: integer(60, 604_800).default(3_600),
}
