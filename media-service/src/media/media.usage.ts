import { mediaDeleted } from '@clientele/contracts/media'
import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import type { Removal } from './media.removal.ts'

/** What an event tells of one subject: the media it shows now, or none, and the one before, where it changed. */
export type Usage = { subject: string; version: number; mediaId: string | null; previousId: string | null }

const actor = systemActor('media-service')

export type Usages = ReturnType<typeof createUsages>

/** Who shows which media, by the newest event of each subject. */
export const createUsages = ({ db, removal }: { db: Db; removal: Removal }) => {
  const keepNewest = async ({ subject, version, mediaId }: Usage, tx: Tx): Promise<boolean> => {
    const kept = await db.query(
      `insert into media_usages (subject, media_id, version) values ($1, $2, $3)
       on conflict (subject) do update set media_id = excluded.media_id, version = excluded.version
         where media_usages.version < excluded.version
       returning subject`,
      [subject, mediaId, version],
      { tx },
    )
    return kept.length === 1
  }

  /** Media that is gone already is announced as gone again: whoever came to refer to it meanwhile lets go of it. */
  const announceMissing = async (id: string, tx: Tx): Promise<void> => {
    const [media] = await db.query<{ deleted: boolean }>(
      'select deleted_at is not null as deleted from media where id = $1',
      [id],
      { tx },
    )
    if (media && !media.deleted) return
    const [tombstone] = await db.query<{ version: number }>(
      'update media set version = version + 1 where id = $1 returning version',
      [id],
      { tx },
    )
    await outbox.add(tx, mediaDeleted.of({ id, reason: 'missing', version: tombstone?.version ?? 1 }, actorRef(actor)))
  }

  return {
    /** Takes over what an event tells, and removes at once the media that nothing shows any more. */
    apply: async (usage: Usage, tx: Tx): Promise<void> => {
      const { subject, mediaId, previousId } = usage
      const [known] = await db.query<{ mediaId: string | null }>(
        'select media_id as "mediaId" from media_usages where subject = $1 for update',
        [subject],
        { tx },
      )
      const former = [known?.mediaId, previousId].filter((id) => typeof id === 'string' && id !== mediaId) as string[]
      if (!known && mediaId === null && former.length === 0) return
      await removal.lock([...new Set([...former, ...(mediaId === null ? [] : [mediaId])])], tx)
      if (!(await keepNewest(usage, tx))) return
      if (mediaId !== null) await announceMissing(mediaId, tx)
      if (former.length > 0) await removal.unused([...new Set(former)], 'released', actor, tx)
    },
  }
}
