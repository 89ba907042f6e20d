import { mediaDeleted } from '@clientele/contracts/media'
import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import type { Tx } from '@clientele/platform/data/db'
import { upsertIfNewer } from '@clientele/platform/data/projection'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import type { MediaTable } from './media.model.ts'
import type { Removal } from './media.removal.ts'
import type { MediaUsages } from './media-usage.model.ts'

type Deps = { model: MediaTable; usages: MediaUsages; removal: Removal }

/** The photo of one subject by an event: the image that it shows, null for none, and the previous one if it changed. */
export type Usage = { subject: string; version: number; mediaId: string | null; previousId: string | null }

const actor = systemActor('media-service')

export type MediaUsageProjection = ReturnType<typeof createMediaUsageProjection>

/**
 * A projection of which customer or product shows which image, kept by their events. It decides when an image is deleted.
 *
 * An image is in one of three states:
 *
 * - **unused**: it was uploaded and no row of `media_usages` names it. An event makes it used. A client may delete it, and the
 *   cleanup does so after a day.
 * - **used**: at least one row of `media_usages` names it. It cannot be deleted. When the last customer or product stops
 *   showing it, it is deleted in the same transaction.
 * - **deleted**: `deletedAt` is set, and it stays so. If an event names it nevertheless, `media.deleted.v1` is published again
 *   with the reason `missing`, so that the customer or product removes its reference.
 *
 * Events, requests and the cleanup run at the same time in several replicas. So a transaction locks the row of an image before
 * it adds, removes or counts usages of it; several rows are locked in the order of their ids. Of a deletion and a new usage at
 * the same moment, one waits for the other: either the deletion sees the usage and does not happen, or the event sees that the
 * image is deleted and publishes `missing`. Events may arrive twice or in another order, so only a newer version of the
 * subject changes its row.
 */
export const createMediaUsageProjection = ({ model, usages, removal }: Deps) => {
  /** Publishes `media.deleted.v1` again if the image does not exist, so that the new reference to it is removed. */
  const publishMissing = async (id: string, tx: Tx): Promise<void> => {
    // The caller has locked the row.
    const media = await model.findByPk(id, { transaction: tx })
    if (media && media.deletedAt === null) return
    await media?.update({ version: media.version + 1 }, { transaction: tx })
    await outbox.add(tx, mediaDeleted.of({ id, reason: 'missing', version: media?.version ?? 1 }, actorRef(actor)))
  }

  return {
    /** Stores the usage of a newer event, and deletes the former image if nothing shows it any more. */
    upsertIfNewer: async ({ previousId, ...usage }: Usage, tx: Tx): Promise<void> => {
      const { subject, mediaId } = usage
      const current = await usages.findByPk(subject, { transaction: tx, lock: tx.LOCK.UPDATE })
      const formerIds = [current?.mediaId, previousId].filter(
        (id) => typeof id === 'string' && id !== mediaId,
      ) as string[]
      if (!current && mediaId === null && formerIds.length === 0) return
      await removal.lock([...new Set([...formerIds, ...(mediaId === null ? [] : [mediaId])])], tx)
      if (!(await upsertIfNewer(usages, usage, tx))) return
      if (mediaId !== null) await publishMissing(mediaId, tx)
      if (formerIds.length > 0) await removal.removeUnused([...new Set(formerIds)], 'released', actor, tx)
    },
  }
}
