import type { Db } from '@clientele/platform/data/db'
import { eventFrame } from '@clientele/platform/http/event-stream'
import { type Position, readNewest } from '../events/positions.ts'
import { presentEvent, type ToldEvent } from '../feed/present-event.ts'

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
const selectState = `select (select max(seq) from head) as newest, exists (select from seals where last_seq > $1) as "hasGap"`

const frameOf = (row: Row): Buffer =>
  Buffer.from(eventFrame({ id: row.seq, data: row.body ?? JSON.stringify(presentEvent(row)) }))

/** The frames of events that were read together lie in one piece of memory, one after the other. */
const toEvents = (rows: readonly Row[]): RecordedEvent[] => {
  const frames = rows.map(frameOf)
  const all = Buffer.concat(frames)
  let end = 0
  return rows.map(({ seq, recordedAt, type, subject, actorId, isBulk }, index) => {
    const begin = end
    end += frames[index]?.length ?? 0
    return { seq, recordedAt, type, subject, actorId, isBulk, frame: all.subarray(begin, end) }
  })
}

/** Joins frames: without copying them if they follow each other in memory. */
export const joinFrames = (frames: readonly Buffer[]): Buffer | undefined => {
  const [first] = frames
  if (!first || frames.length === 1) return first
  let end = first.byteOffset
  for (const { buffer, byteOffset, length } of frames) {
    if (buffer !== first.buffer || byteOffset !== end) return Buffer.concat(frames)
    end += length
  }
  return Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset)
}

/** Reads recorded events in their order. */
export const createEventReader = ({ db }: { db: Db }) => ({
  /** The place of the newest event. */
  newest: (): Promise<Position> => readNewest(db),
  /** At most `limit` events after a place. */
  after: async ({ seq, recordedAt }: Position, limit: number): Promise<RecordedEvent[]> =>
    toEvents(await db.query<Row>(selectAfter, [recordedAt, seq, limit], { name: 'stream_after' })),
  /** The events after `seq` until `last`. */
  between: async (seq: number, last: number): Promise<RecordedEvent[]> =>
    toEvents(await db.query<Row>(selectBetween, [seq, last], { name: 'stream_between' })),
  /** The number of the newest event, and whether events after `seq` are no longer kept. */
  stateSince: async (seq: number): Promise<{ newest: number; hasGap: boolean }> => {
    const [row] = await db.query<{ newest: number; hasGap: boolean }>(selectState, [seq])
    return row ?? { newest: 0, hasGap: false }
  },
})
export type EventReader = ReturnType<typeof createEventReader>
