import type { MediaVariant } from '@clientele/contracts/media'
import { currentLog } from '@clientele/platform/runtime/log'
import type { MediaRow, VariantName } from '../media/media.model.ts'
import type { Variants } from '../media/media.variants.ts'
import { variantKey } from '../media/media-keys.ts'

/** The bytes that answer a request, and what may be said about them. */
export type Representation = {
  key: string
  mimeType: string
  bytes: number
  etag: string
  fileName: string
  /** False for a stand-in: the same address will soon show something else. */
  lasting: boolean
}

const turnWaitMs = 3_000

const originalOf = (media: MediaRow, lasting: boolean): Representation => ({
  key: variantKey(media.id, 'original'),
  mimeType: media.mimeType,
  bytes: media.bytes,
  etag: `"${media.sha256.slice(0, 32)}"`,
  fileName: `${media.id}.${media.mimeType.replace('image/', '')}`,
  lasting,
})

const variantOf = async (media: MediaRow, name: VariantName, variants: Variants): Promise<Representation> => {
  const { bytes, sha256 } = await variants.ensure(media, name, { waitMs: turnWaitMs })
  return {
    key: variantKey(media.id, name),
    mimeType: 'image/webp',
    bytes,
    etag: `"${sha256.slice(0, 32)}"`,
    fileName: `${media.id}-${name}.webp`,
    lasting: true,
  }
}

/** What shows a variant: itself, made now where it is missing, or the original while there is no time for that. */
export const represent = async (
  media: MediaRow,
  variant: MediaVariant,
  variants: Variants,
): Promise<Representation> => {
  if (variant === 'original') return originalOf(media, true)
  return variantOf(media, variant, variants).catch((err: unknown) => {
    currentLog().warn({ err, mediaId: media.id, variant }, 'the original stands in')
    return originalOf(media, false)
  })
}
