import { variantPixels } from '@clientele/contracts/media'
import type { Db } from '@clientele/platform/data/db'
import type { ImageLane, TurnOptions } from '../images/image-lane.ts'
import type { ProduceImage } from '../images/image-worker.ts'
import { readStored, type Store } from '../storage/store.ts'
import type { MediaRow, StoredVariant, VariantName } from './media.model.ts'
import { variantKey } from './media-keys.ts'

type Deps = { db: Db; store: Store; lane: ImageLane; produce: ProduceImage; maxPixels: number }

export type Variants = ReturnType<typeof createVariants>

/** Makes the small pictures of a media from its original and notes them in its row. */
export const createVariants = ({ db, store, lane, produce, maxPixels }: Deps) => {
  const underWay = new Map<string, Promise<StoredVariant>>()

  const shrink = (media: MediaRow, name: VariantName, turn?: TurnOptions): Promise<StoredVariant> =>
    lane.run(async () => {
      const task = { kind: 'shrink', pixels: variantPixels[name], bytes: media.bytes, maxPixels } as const
      const original = await readStored(store, variantKey(media.id, 'original'))
      return produce(task, original, (data) =>
        store.write(variantKey(media.id, name), data, { contentType: 'image/webp', replace: true }),
      )
    }, turn)

  const make = async (media: MediaRow, name: VariantName, turn?: TurnOptions): Promise<StoredVariant> => {
    const variant = await shrink(media, name, turn)
    const noted = await db.query(
      `update media set variants = variants || jsonb_build_object($2::text, $3::jsonb)
       where id = $1 and deleted_at is null returning id`,
      [media.id, name, JSON.stringify(variant)],
    )
    // The media was deleted meanwhile, perhaps before this object was there to be removed.
    if (noted.length === 0) await store.remove(variantKey(media.id, name))
    return variant
  }

  return {
    /** The variant, made now where it is not there yet; those who ask at the same time share the work. */
    ensure: (media: MediaRow, name: VariantName, turn?: TurnOptions): Promise<StoredVariant> => {
      const known = media.variants[name]
      if (known) return Promise.resolve(known)
      const key = variantKey(media.id, name)
      const made = underWay.get(key) ?? make(media, name, turn).finally(() => underWay.delete(key))
      underWay.set(key, made)
      return made
    },
  }
}
