import type { RecordedEvent } from '@clientele/contracts/activity'
import type { Page } from '@clientele/contracts/page'
import type { Db } from '@clientele/platform/data/db'
import { list } from '@clientele/platform/lists/list'
import { eventType } from '../access/type-filter.ts'
import { type Audience, kindVisibleTo } from '../access/visible-events.ts'
import type { EventClass } from '../events/event.kinds.ts'
import type { ActorNames } from './actor-names.ts'
import { presentRecordedEvent, type RecordedEventRow, recordedEventSelection } from './recorded-event.presenter.ts'

type Ref = { class: EventClass; recordedAt: Date; seq: number }

/** The events about a record, newest first. */
export const timelineList = list<Ref>({
  table: 'event_refs',
  columns: ['class', 'recordedAt', 'seq'],
  id: 'seq',
  sort: ['seq'],
  defaultSort: '-seq',
  filter: { type: eventType },
})

// Each event is looked up in the partition of its month.
const selectEvents = `select ${recordedEventSelection} from unnest($1::text[], $2::timestamptz[], $3::bigint[])
  as found (class, recorded_at, seq) cross join lateral (
    select * from events where class = found.class and recorded_at = found.recorded_at and seq = found.seq limit 1
  ) events`

/** Creates what reads the timelines of records. */
export const createTimeline = ({ db, actorNames }: { db: Db; actorNames: ActorNames }) => ({
  /** Reads a page of the events about a record. Of an unknown record, there are none. @throws Problem 400 */
  of: async (id: string, query: Record<string, unknown>, audience: Audience): Promise<Page<RecordedEvent>> => {
    const { rows: refs, page } = await timelineList.run(db, query, {
      where: (bind) => `ref = ${bind(id.toLowerCase())}::text and ${kindVisibleTo(audience, bind)}`,
    })
    const values = [refs.map((ref) => ref.class), refs.map((ref) => ref.recordedAt), refs.map((ref) => ref.seq)]
    const rows = refs.length === 0 ? [] : await db.query<RecordedEventRow>(selectEvents, values)
    const events = await actorNames.show(rows.map(presentRecordedEvent))
    const bySeq = new Map(events.map((event) => [event.seq, event]))
    // A month of events can be dropped in between.
    return { data: refs.flatMap(({ seq }) => bySeq.get(seq) ?? []), page }
  },
})
export type Timeline = ReturnType<typeof createTimeline>
