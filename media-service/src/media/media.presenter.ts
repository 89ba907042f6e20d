import { type Media, type MediaVariant, mediaContentPath } from '@clientele/contracts/media'
import { signLink } from '@clientele/platform/signed-link'
import type { MediaRow } from './media.model.ts'

/** Makes the time-limited link to a variant. */
export type MediaLink = (id: string, variant: MediaVariant) => string

type LinkConfig = { publicUrl?: string | undefined; mediaSigningKey: string; mediaLinkTtlSeconds: number }

export const createMediaLink =
  ({ publicUrl = '', mediaSigningKey: key, mediaLinkTtlSeconds: ttlSeconds }: LinkConfig): MediaLink =>
  (id, variant) =>
    publicUrl + signLink(mediaContentPath(id, variant), { key, ttlSeconds })

/** Media as events tell of it. */
export const presentEvent = (row: MediaRow): Omit<Media, 'url' | 'variants'> => ({
  id: row.id,
  mimeType: row.mimeType,
  bytes: row.bytes,
  width: row.width,
  height: row.height,
  sha256: row.sha256,
  createdAt: row.createdAt.toISOString(),
  createdBy: { id: row.createdBy, displayName: row.createdByName },
  version: row.version,
})

/** Media as the API shows it. */
export const presentMedia = (row: MediaRow, link: MediaLink): Media => ({
  ...presentEvent(row),
  url: link(row.id, 'original'),
  variants: { thumb: link(row.id, 'thumb'), medium: link(row.id, 'medium') },
})
