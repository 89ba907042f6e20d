import type { MediaVariant } from '@clientele/contracts/media'
import { currentLog } from '@clientele/platform/runtime/log'
import type { MediaRow, VariantName } from '../media/media.model.ts'
import type { Variants } from '../media/media.variants.ts'
import { variantKey } from '../media/media-keys.ts'

/** The stored object that a response sends, with the facts for its headers. */
export type Representation = {
  key: string
  mimeType: string
  bytes: number
  etag: string
  fileName: string
  /** The original is sent instead of a variant that is not ready yet. The next response may differ. */
  isFallback: boolean
}

const maxWaitMs = 3_000

const originalOf = (media: MediaRow, isFallback: boolean): Representation => ({
  key: variantKey(media.id, 'original'),
  mimeType: media.mimeType,
  bytes: media.bytes,
  etag: `"${media.sha256.slice(0, 32)}"`,
  fileName: `${media.id}.${media.mimeType.replace('image/', '')}`,
  isFallback,
})

const variantOf = async (media: MediaRow, name: VariantName, variants: Variants): Promise<Representation> => {
  const { bytes, sha256 } = await variants.ensure(media, name, { waitMs: maxWaitMs })
  return {
    key: variantKey(media.id, name),
    mimeType: 'image/webp',
    bytes,
    etag: `"${sha256.slice(0, 32)}"`,
    fileName: `${media.id}-${name}.webp`,
    isFallback: false,
  }
}

/** Finds what to send for a variant. A missing variant is created now. If that fails or takes too long, the original is sent. */
export const findRepresentation = async (
  media: MediaRow,
  variant: MediaVariant,
  variants: Variants,
): Promise<Representation> => {
  if (variant === 'original') return originalOf(media, false)
  return variantOf(media, variant, variants).catch((err: unknown) => {
    currentLog().warn({ err, mediaId: media.id, variant }, 'variant not ready: the original is sent')
    return originalOf(media, true)
  })
}
