import { feedDays } from '@clientele/contracts/activity'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { type EventClass, eventClasses } from '../events/event.kinds.ts'
import type { Partitions } from '../events/partitions.ts'

/** How many months are kept besides the current one, by class; undefined is for ever. */
export type Keep = Record<EventClass, number | undefined>

const dayMs = 86_400_000

/** Whether the month that begins at `month` is over by so much that it is dropped. What the feed still has is kept. */
export const isOver = (month: Date, keep: number | undefined, now: Date): boolean => {
  if (keep === undefined) return false
  const end = Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1)
  const kept = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - keep, 1)
  return end <= kept && end <= now.getTime() - (feedDays + 1) * dayMs
}

const selectMonths = `select distinct to_date(right(relname, 7), 'YYYY_MM')::text as month from pg_inherits
  join pg_class on pg_class.oid = inhrelid
  where inhparent in (to_regclass('events_' || $1), to_regclass('event_refs_' || $1)) order by month`

// The seal of a month without events would say nothing.
const seal = `insert into seals (class, month, first_seq, last_seq, rows, previous, hash, dropped_at)
  select $1, $2::date, first_seq, last_seq, rows,
    coalesce((select hash from seals where class = $1 order by last_seq desc limit 1), '\\x'),
    (select hash from events where class = $1 and recorded_at >= $3 and recorded_at < $4 order by seq desc limit 1),
    clock_timestamp()
  from (select min(seq) as first_seq, max(seq) as last_seq, count(*) as rows from events
    where class = $1 and recorded_at >= $3 and recorded_at < $4) partition
  where rows > 0
  returning rows`

const utc = (month: string): Date => new Date(`${month}T00:00:00Z`)

/** Creates what drops the months that are over. */
export const createRetention = ({ db, partitions, keep, log }: Deps) => {
  const drop = async (table: 'events' | 'event_refs', eventClass: EventClass, month: string, tx: Tx): Promise<void> => {
    // Whoever reads events waits while this waits for others.
    await db.query("set local lock_timeout = '2s'", [], { tx })
    await db.query('select drop_partition($1, $2, $3::date)', [table, eventClass, month], { tx })
  }

  const dropMonth = async (eventClass: EventClass, month: string): Promise<void> => {
    const begins = utc(month)
    const ends = new Date(Date.UTC(begins.getUTCFullYear(), begins.getUTCMonth() + 1, 1))
    const events = await db.transaction(async (tx) => {
      const [sealed] = await db.query<{ rows: number }>(seal, [eventClass, month, begins, ends], { tx })
      await drop('events', eventClass, month, tx)
      return sealed?.rows ?? 0
    })
    await db.transaction((tx) => drop('event_refs', eventClass, month, tx))
    log.info({ class: eventClass, month, events }, 'dropped a month of events')
  }

  return async (now = new Date()): Promise<void> => {
    await partitions.createAhead(now)
    for (const eventClass of eventClasses) {
      const months = await db.query<{ month: string }>(selectMonths, [eventClass])
      // The oldest first, so that each seal follows from the one before it.
      for (const { month } of months) if (isOver(utc(month), keep[eventClass], now)) await dropMonth(eventClass, month)
    }
  }
}
type Deps = { db: Db; partitions: Partitions; keep: Keep; log: Log }
