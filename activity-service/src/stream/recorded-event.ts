import type { Db } from '@clientele/platform/data/db'
import { eventFrame } from '@clientele/platform/http/event-stream'
import { presentEvent, type ToldEvent } from '../feed/present-event.ts'

/** A place in the order of events: `recordedAt` only makes reading on cheaper. */
export type Position = { seq: number; recordedAt: Date }

/** A recorded event as streams need it. `frame` is what they send. */
export type RecordedEvent = Position & {
  type: string
  subject: string
  actorId: string | null
  isBulk: boolean
  frame: Buffer
}

type Row = ToldEvent & Omit<RecordedEvent, 'frame'>

const columns = `seq, recorded_at as "recordedAt", event_id as "eventId", type, subject, actor_id as "actorId", at, bulk as "isBulk", body`

// `recorded_at` grows with `seq`, so it saves looking into the partitions of earlier months.
const selectAfter = `select ${columns} from events where recorded_at >= $1 and seq > $2 order by seq limit $3`
const selectBetween = `select ${columns} from events where seq > $1 and seq <= $2 order by seq`
const selectNewest = 'select seq, recorded_at as "recordedAt" from head order by seq desc limit 1'
const selectState = `select (select max(seq) from head) as newest, exists (select from seals where last_seq > $1) as "hasGap"`

const toEvent = ({ seq, recordedAt, type, subject, actorId, isBulk, ...row }: Row): RecordedEvent => {
  const data = row.body ?? JSON.stringify(presentEvent({ seq, type, subject, ...row }))
  return { seq, recordedAt, type, subject, actorId, isBulk, frame: Buffer.from(eventFrame({ id: seq, data })) }
}

/** Reads recorded events in their order. */
export const createEventReader = ({ db }: { db: Db }) => ({
  /** The place of the newest event. */
  newest: async (): Promise<Position> => {
    const [row] = await db.query<{ seq: number; recordedAt: Date | number }>(selectNewest)
    const { seq = 0, recordedAt } = row ?? {}
    // Before the first event it is -infinity.
    return { seq, recordedAt: recordedAt instanceof Date ? recordedAt : new Date(0) }
  },
  /** At most `limit` events after a place. */
  after: async ({ seq, recordedAt }: Position, limit: number): Promise<RecordedEvent[]> =>
    (await db.query<Row>(selectAfter, [recordedAt, seq, limit], { name: 'stream_after' })).map(toEvent),
  /** The events after `seq` until `last`. */
  between: async (seq: number, last: number): Promise<RecordedEvent[]> =>
    (await db.query<Row>(selectBetween, [seq, last], { name: 'stream_between' })).map(toEvent),
  /** The number of the newest event, and whether events after `seq` are no longer kept. */
  stateSince: async (seq: number): Promise<{ newest: number; hasGap: boolean }> => {
    const [row] = await db.query<{ newest: number; hasGap: boolean }>(selectState, [seq])
    return row ?? { newest: 0, hasGap: false }
  },
})
export type EventReader = ReturnType<typeof createEventReader>
