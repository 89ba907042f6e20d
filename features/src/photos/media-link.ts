import { type MediaVariant, mediaContentPath } from '@clientele/contracts/media'
import { signLink } from '@clientele/platform/http/signed-link'

/** Makes the time-limited link of a medium. */
export type MediaLink = (mediaId: string, variant: MediaVariant) => string

type LinkConfig = { publicUrl?: string | undefined; mediaSigningKey: string; mediaLinkTtlSeconds: number }

/** Links are signed with the key that media-service checks them with: no call is made. */
export const createMediaLink =
  ({ publicUrl = '', mediaSigningKey: key, mediaLinkTtlSeconds: ttlSeconds }: LinkConfig): MediaLink =>
  (mediaId, variant) =>
    publicUrl + signLink(mediaContentPath(mediaId, variant), { key, ttlSeconds })
