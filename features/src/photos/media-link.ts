import { type MediaVariant, mediaContentPath, type PhotoLinks } from '@clientele/contracts/media'
import { signLink } from '@clientele/platform/http/signed-link'

/** Creates a signed link to an image; it expires. */
export type MediaLink = (mediaId: string, variant: MediaVariant) => string

type LinkConfig = { publicUrl?: string | undefined; mediaSigningKey: string; mediaLinkTtlSeconds: number }

/** Signs links with the key that media-service verifies them with, so no call to media-service is needed. */
export const createMediaLink =
  ({ publicUrl = '', mediaSigningKey: key, mediaLinkTtlSeconds: ttlSeconds }: LinkConfig): MediaLink =>
  (mediaId, variant) =>
    publicUrl + signLink(mediaContentPath(mediaId, variant), { key, ttlSeconds })

/** The links of a resource with a photo, or nulls without one. */
export const presentPhotoLinks = (mediaId: string | null, link: MediaLink): PhotoLinks => {
  if (mediaId === null) return { photoUrl: null, photoUrls: null }
  const photoUrls = {
    thumb: link(mediaId, 'thumb'),
    medium: link(mediaId, 'medium'),
    original: link(mediaId, 'original'),
  }
  return { photoUrl: photoUrls.medium, photoUrls }
}
