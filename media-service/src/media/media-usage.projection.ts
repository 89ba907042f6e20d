import { mediaDeleted } from '@clientele/contracts/media'
import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import type { Tx } from '@clientele/platform/data/db'
import { upsertIfNewer } from '@clientele/platform/data/projection'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import type { MediaTable } from './media.model.ts'
import type { Removal } from './media.removal.ts'
import type { MediaUsages } from './media-usage.model.ts'

type Deps = { model: MediaTable; usages: MediaUsages; removal: Removal }

/** What an event tells of one subject: the media it shows now, or none, and the one before, where it changed. */
export type Usage = { subject: string; version: number; mediaId: string | null; previousId: string | null }

const actor = systemActor('media-service')

export type MediaUsageProjection = ReturnType<typeof createMediaUsageProjection>

/** Who shows which media, by the newest event of each subject. */
export const createMediaUsageProjection = ({ model, usages, removal }: Deps) => {
  /** Media that is gone already is announced as gone again: whoever came to refer to it meanwhile lets go of it. */
  const announceMissing = async (id: string, tx: Tx): Promise<void> => {
    // The caller holds the row's lock.
    const media = await model.findByPk(id, { transaction: tx })
    if (media && media.deletedAt === null) return
    await media?.update({ version: media.version + 1 }, { transaction: tx })
    await outbox.add(tx, mediaDeleted.of({ id, reason: 'missing', version: media?.version ?? 1 }, actorRef(actor)))
  }

  return {
    /** Takes over what an event tells, and removes at once the media that nothing shows any more. */
    upsertIfNewer: async ({ previousId, ...usage }: Usage, tx: Tx): Promise<void> => {
      const { subject, mediaId } = usage
      const known = await usages.findByPk(subject, { transaction: tx, lock: tx.LOCK.UPDATE })
      const former = [known?.mediaId, previousId].filter((id) => typeof id === 'string' && id !== mediaId) as string[]
      if (!known && mediaId === null && former.length === 0) return
      await removal.lock([...new Set([...former, ...(mediaId === null ? [] : [mediaId])])], tx)
      if (!(await upsertIfNewer(usages, usage, tx))) return
      if (mediaId !== null) await announceMissing(mediaId, tx)
      if (former.length > 0) await removal.unused([...new Set(former)], 'released', actor, tx)
    },
  }
}
