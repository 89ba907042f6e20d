import { type MediaVariant, mediaDeleted } from '@clientele/contracts/media'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import { databaseTime } from '@clientele/platform/data/database-time'
import type { Db, Tx } from '@clientele/platform/data/db'
import { afterCommit } from '@clientele/platform/data/transaction'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { currentLog } from '@clientele/platform/runtime/log'
import type { Store } from '../storage/store.ts'
import type { MediaTable } from './media.model.ts'
import { variantKey } from './media-keys.ts'

type Reason = 'requested' | 'released' | 'unused'
type Removed = { id: string; version: number }

const variants: MediaVariant[] = ['original', 'medium', 'thumb']

export type Removal = ReturnType<typeof createRemoval>

/**
 * Deletes images. The row is marked as deleted in the caller's transaction, with the event. The objects are removed from the
 * store after the commit. If that fails, the cleanup removes them later.
 */
export const createRemoval = ({ db, model, store }: { db: Db; model: MediaTable; store: Store }) => {
  const removeObjects = async (id: string): Promise<void> => {
    for (const variant of variants) await store.remove(variantKey(id, variant))
    await model.update({ clearedAt: databaseTime() }, { where: { id } })
  }

  /**
   * Locks the rows of images, in the order of their ids, so that two transactions cannot deadlock. Usages of an image are only
   * added or counted under this lock.
   */
  const lock = async (ids: string[], tx: Tx): Promise<void> => {
    await model.findAll({
      attributes: ['id'],
      where: { id: ids },
      order: ['id'],
      lock: tx.LOCK.UPDATE,
      transaction: tx,
      raw: true,
    })
  }

  return {
    removeObjects,
    lock,
    /** Deletes those of `ids` that nothing shows. @returns the ids of the deleted images */
    removeUnused: async (ids: string[], reason: Reason, actor: Actor, tx: Tx): Promise<string[]> => {
      await lock(ids, tx)
      // A new statement sees the usages that other transactions committed while `lock` waited for them.
      const removed = await db.query<Removed>(
        `update media set deleted_at = now(), version = version + 1
         where id = any($1::uuid[]) and deleted_at is null
           and not exists (select 1 from media_usages where media_usages.media_id = media.id)
         returning id, version`,
        [ids],
        { tx },
      )
      const events = removed.map((media) => mediaDeleted.of({ ...media, reason }, actorRef(actor)))
      await outbox.add(tx, ...events)
      afterCommit(tx, () => {
        const log = currentLog()
        for (const { id } of removed)
          removeObjects(id).catch((err: unknown) =>
            log.warn({ err, mediaId: id }, 'objects could not be removed: left to the cleanup'),
          )
      })
      return removed.map(({ id }) => id)
    },
  }
}
