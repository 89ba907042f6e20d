import { variantPixels } from '@clientele/contracts/media'
import type { Db } from '@clientele/platform/data/db'
import type { ImageQueue, WaitOptions } from '../images/image-queue.ts'
import type { ProduceImage } from '../images/image-worker.ts'
import { readExisting, type Store } from '../storage/store.ts'
import type { MediaRow, StoredVariant, VariantName } from './media.model.ts'
import { variantKey } from './media-keys.ts'

type Deps = { db: Db; store: Store; queue: ImageQueue; produce: ProduceImage; maxPixels: number }

export type Variants = ReturnType<typeof createVariants>

/** Creates the variants of images from their originals and records them in their rows. */
export const createVariants = ({ db, store, queue, produce, maxPixels }: Deps) => {
  const inProgress = new Map<string, Promise<StoredVariant>>()

  const shrink = (media: MediaRow, name: VariantName, wait?: WaitOptions): Promise<StoredVariant> =>
    queue.run(
      async () => {
        const task = { kind: 'shrink', pixels: variantPixels[name], bytes: media.bytes, maxPixels } as const
        const original = await readExisting(store, variantKey(media.id, 'original'))
        const { bytes, width, height, sha256 } = await produce(task, original, (data) =>
          store.write(variantKey(media.id, name), data, { contentType: 'image/webp', replace: true }),
        )
        return { bytes, width, height, sha256 }
      },
      { ...wait, userId: media.createdBy },
    )

  const create = async (media: MediaRow, name: VariantName, wait?: WaitOptions): Promise<StoredVariant> => {
    const variant = await shrink(media, name, wait)
    const updated = await db.query(
      `update media set variants = variants || jsonb_build_object($2::text, $3::jsonb)
       where id = $1 and deleted_at is null returning id`,
      [media.id, name, JSON.stringify(variant)],
    )
    // The image was deleted in the meantime, perhaps before this object existed and could be removed.
    if (updated.length === 0) await store.remove(variantKey(media.id, name))
    return variant
  }

  return {
    /** Returns the variant and creates it if it is missing. Concurrent calls for the same variant share the work. */
    ensure: (media: MediaRow, name: VariantName, wait?: WaitOptions): Promise<StoredVariant> => {
      const stored = media.variants[name]
      if (stored) return Promise.resolve(stored)
      const key = variantKey(media.id, name)
      const variant = inProgress.get(key) ?? create(media, name, wait).finally(() => inProgress.delete(key))
      inProgress.set(key, variant)
      return variant
    },
  }
}
