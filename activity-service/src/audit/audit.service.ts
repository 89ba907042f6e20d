import type { AuditedEvent, ChainHeads, RecordedEvent } from '@clientele/contracts/activity'
import type { Page } from '@clientele/contracts/page'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import type { EventClass } from '../events/event.kinds.ts'
import { presentEvent } from '../feed/present-event.ts'
import type { ActorNames } from '../timeline/actor-names.ts'
import { presentRecordedEvent, type RecordedEventRow } from '../timeline/recorded-event.presenter.ts'
import { auditListFor } from './audit.list.ts'
import { type ChainRange, checkChain, readHeads } from './chain-check.ts'

type WholeRow = RecordedEventRow & { class: EventClass; recordedAt: Date; bodyHash: Buffer; hash: Buffer }

const selectWhole = `select class, seq, recorded_at as "recordedAt", at, event_id as "eventId", type, subject, actor_id as "actorId", about,
  body, body_hash as "bodyHash", hash from events where seq = $1`

/** Creates what admins read of all recorded events. */
export const createAudit = ({ db, actorNames }: { db: Db; actorNames: ActorNames }) => ({
  list: async (record: Record<string, unknown>, actor: Actor): Promise<Page<RecordedEvent>> => {
    const { list, query } = auditListFor(record)
    const { rows, page } = await list.run(db, query, { actor })
    return { data: await actorNames.show(rows.map(presentRecordedEvent)), page }
  },

  /** @throws Problem 404 */
  get: async (seq: string): Promise<AuditedEvent> => {
    const [row] = /^\d{1,15}$/.test(seq) ? await db.query<WholeRow>(selectWhole, [seq]) : []
    if (!row) throw new Problem('not_found', { detail: 'there is no event with this number' })
    const [line = presentRecordedEvent(row)] = await actorNames.show([presentRecordedEvent(row)])
    return {
      ...line,
      event: presentEvent(row),
      recordedAt: row.recordedAt.toISOString(),
      chain: row.class,
      bodyHash: row.bodyHash.toString('hex'),
      hash: row.hash.toString('hex'),
    }
  },

  heads: async (): Promise<ChainHeads> => {
    const heads = await readHeads(db)
    const present = (eventClass: EventClass): ChainHeads['lasting'] => {
      const { seq = 0, hash, recordedAt } = heads.find((head) => head.class === eventClass) ?? {}
      return {
        seq,
        hash: hash?.toString('hex') ?? '',
        recordedAt: recordedAt instanceof Date ? recordedAt.toISOString() : null,
      }
    }
    return { lasting: present('lasting'), passing: present('passing') }
  },

  verify: (range: ChainRange) => checkChain(db, range),
})
export type Audit = ReturnType<typeof createAudit>
