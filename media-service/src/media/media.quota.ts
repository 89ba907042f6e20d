import type { Actor } from '@clientele/platform/auth/token-verifier'
import { acquireLock } from '@clientele/platform/data/advisory-lock'
import type { Db, Tx } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'

type Options = { db: Db; maxImages: number; maxBytes: number }

export type MediaQuota = ReturnType<typeof createMediaQuota>

/** Limits the images of a user that nothing shows. The cleanup deletes them after a day, so older ones need not be counted. */
export const createMediaQuota = ({ db, maxImages, maxBytes }: Options) => ({
  /**
   * Makes sure that the user may store one more image. Other uploads of the same user wait until the end of `tx`.
   * @throws Problem 429
   */
  assertRoom: async ({ id }: Actor, bytes: number, tx: Tx): Promise<void> => {
    await acquireLock(db, tx, `uploads of ${id}`)
    const [unused] = await db.query<{ images: number; bytes: number }>(
      `select count(*)::int as images, coalesce(sum(bytes), 0)::bigint as bytes from media
       where created_by = $1 and deleted_at is null and created_at > now() - interval '25 hours'
         and not exists (select from media_usages where media_usages.media_id = media.id)`,
      [id],
      { tx, name: 'media_quota' },
    )
    if (!unused || (unused.images < maxImages && unused.bytes + bytes <= maxBytes)) return
    throw new Problem('quota_exceeded', {
      detail: `you have ${unused.images} images of ${unused.bytes} bytes that no customer or product shows (limits: ${maxImages} images, ${maxBytes} bytes); use or delete some of them, or wait until they are deleted a day after their upload`,
    })
  },
})
