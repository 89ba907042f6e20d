import { type Media, mediaNotes } from '@clientele/contracts/media'
import type { MediaLink } from '@clientele/features/photos/media-link'
import type { MediaRow } from './media.model.ts'

/** An image as events carry it. */
export const presentEventData = (row: MediaRow): Omit<Media, 'url' | 'variants' | 'notes'> => ({
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

/** An image as the API shows it. */
export const presentMedia = (row: MediaRow, link: MediaLink): Media => ({
  ...presentEventData(row),
  url: link(row.id, 'original'),
  variants: { thumb: link(row.id, 'thumb'), medium: link(row.id, 'medium') },
  notes: row.notes.map((code) => ({ code, message: mediaNotes[code] })),
})
