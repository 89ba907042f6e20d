import { type EventFeed, feedDays } from '@clientele/contracts/activity'
import type { Db } from '@clientele/platform/data/db'
import { all, type Bind } from '@clientele/platform/lists/condition'
import { Problem } from '@clientele/platform/runtime/problem'
import { typeCondition } from '../access/type-pattern.ts'
import { type Audience, visibleTo } from '../access/visible-events.ts'
import { firstSince } from '../events/positions.ts'
import type { FeedQuery } from './feed.query.ts'
import { presentEvent, type ToldEvent } from './present-event.ts'

const dayMs = 86_400_000
/** A page ends before its events have more bytes than this, unless it would be empty. */
const maxPageBytes = 4_000_000

/** What there is in the feed: its oldest event, its newest one, and where a time begins in it. */
type Bounds = { newest: number; oldest: number | null; oldestAt: Date | null; first: number | null }

const selectBounds = `select newest, oldest.seq as oldest, oldest.recorded_at as "oldestAt", first.seq as first
  from (select coalesce(max(seq), 0) as newest from head) head
  left join ${firstSince('$1::timestamptz')} oldest on true
  left join ${firstSince('$2::timestamptz')} first on true`

type Found = { newest: number; found: number | null } & { [K in keyof ToldEvent]: ToldEvent[K] | null }

const pageStatement = (table: string, where: string, limit: number): string => `with page as (
  select seq, event_id, type, subject, at, body from ${table} where ${where} order by seq limit ${limit + 1}
), sized as (
  select *, row_number() over (order by seq) as position, sum(octet_length(body)) over (order by seq) as bytes,
    count(*) over () as found from page
)
select newest, found, seq, event_id as "eventId", type, subject, at, body
from (select coalesce(max(seq), 0) as newest from head) head
left join sized on position <= ${limit} and (position = 1 or bytes is null or bytes <= ${maxPageBytes})
order by seq`

const isFound = (row: Found): row is Found & ToldEvent => row.seq !== null

const gone = (detail: string, { oldest, oldestAt, newest }: Bounds): Problem =>
  new Problem('gone', { detail, extra: { oldest: { seq: oldest, at: oldestAt?.toISOString() ?? null }, newest } })

/** Creates what reads the feed of all events of the last days, in the order in which they were recorded. */
export const createFeed = ({ db }: { db: Db }) => {
  /** The number of the event after which a page begins. @throws Problem 410 */
  const positionOf = async ({ cursor, since }: FeedQuery, begins: Date): Promise<number> => {
    const [bounds] = await db.query<Bounds>(selectBounds, [begins, since ?? begins], { name: 'feed_bounds' })
    if (!bounds) throw new Error('the feed has no bounds')
    const { newest, oldest, first } = bounds
    if (cursor !== undefined) {
      if (cursor + 1 < (oldest ?? newest + 1))
        throw gone(`events up to ${(oldest ?? newest + 1) - 1} are not kept`, bounds)
      if (cursor > newest) throw gone(`the newest event is ${newest}: the cursor is of another installation`, bounds)
      return cursor
    }
    if (since && since < begins) throw gone(`events are kept for ${feedDays} days`, bounds)
    return first === null ? newest : first - 1
  }

  return {
    /** Reads a page. No event is left out or repeated, because events get their numbers in the order of their commits. */
    read: async (query: FeedQuery, audience: Audience): Promise<EventFeed> => {
      const { type, subject, limit } = query
      const begins = new Date(Date.now() - feedDays * dayMs)
      const position = await positionOf(query, begins)
      const values: unknown[] = []
      const bind: Bind = (value) => `$${values.push(value)}`
      const where = all(
        `seq > ${bind(position)}::bigint and recorded_at >= ${bind(begins)}::timestamptz`,
        ...(type ? [typeCondition(type, 'type', bind)] : []),
        ...(subject === undefined ? [] : [`ref = ${bind(subject)}::text and is_subject`]),
        visibleTo(audience, bind),
      )
      const table = subject === undefined ? 'events' : 'record_events'
      const rows = await db.query<Found>(pageStatement(table, where, limit), values)
      const events = rows.filter(isFound)
      const hasMore = (rows[0]?.found ?? 0) > events.length
      const end = hasMore ? events.at(-1)?.seq : rows[0]?.newest
      return {
        data: events.map(presentEvent),
        page: { limit, nextCursor: String(end ?? position), hasMore },
      }
    },
  }
}
export type Feed = ReturnType<typeof createFeed>
