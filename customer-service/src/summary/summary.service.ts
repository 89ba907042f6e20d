import type { CustomerSummary } from '@clientele/contracts/customer'
import type { Db } from '@clientele/platform/data/db'
import { shareResult } from '@clientele/platform/runtime/shared-result'
import { startOfDay, wallTime } from '@clientele/platform/runtime/time-zone'

const dayMs = 24 * 3_600_000
/** More than there are different offsets of time zones. */
const maxShared = 100

/** The first instants of the current day, week (from Monday) and month in a time zone. */
export const currentStarts = (now: Date, timeZone: string) => {
  const wall = wallTime(now, timeZone)
  const dayOf = (at: Date): string => at.toISOString().slice(0, 10)
  const monday = new Date(wall.getTime() - ((wall.getUTCDay() + 6) % 7) * dayMs)
  return {
    day: startOfDay(dayOf(wall), timeZone),
    week: startOfDay(dayOf(monday), timeZone),
    month: startOfDay(`${dayOf(wall).slice(0, 7)}-01`, timeZone),
  }
}

// Each count reads an index without its rows: 0.1 s at a million customers.
const selectCounts = `select
  (select count(*) from customers where deleted_at is null and photo_media_id is not null)::int as "withPhoto",
  (select count(*) from customers where deleted_at is null and photo_media_id is null)::int as "withoutPhoto",
  (select count(*) from customers where deleted_at is not null)::int as "inTrash",
  recent.*, clock_timestamp() as "countedAt"
from (
  select count(*) filter (where created_at >= $1::timestamptz)::int as "newToday",
    count(*) filter (where created_at >= $2::timestamptz)::int as "newThisWeek",
    count(*) filter (where created_at >= $3::timestamptz)::int as "newThisMonth"
  from customers where deleted_at is null and created_at >= least($1::timestamptz, $2::timestamptz, $3::timestamptz)
) as recent`

type Counts = Pick<CustomerSummary, 'withPhoto' | 'inTrash' | 'newToday' | 'newThisWeek' | 'newThisMonth'> & {
  withoutPhoto: number
  countedAt: Date
}

export type SummaryService = ReturnType<typeof createSummaryService>

type Deps = { db: Db; shopTimeZone: string; maxAgeMs?: number }

/** Counts all customers. Requests within `maxAgeMs` share one count, so that many screens cost as much as one. */
export const createSummaryService = ({ db, shopTimeZone, maxAgeMs = 5_000 }: Deps) => {
  /** By the starts and not by the time zone, of which hundreds have the same days. */
  const shared = new Map<string, () => Promise<Counts>>()

  const count = (starts: string[]): Promise<Counts> => {
    const key = starts.join()
    const known = shared.get(key)
    if (known) return known()
    if (shared.size >= maxShared) shared.clear()
    const read = async () => (await db.query<Counts>(selectCounts, starts, { name: 'customer_summary' }))[0] as Counts
    const counts = shareResult(read, { maxAgeMs })
    shared.set(key, counts)
    return counts()
  }

  return {
    summarise: async (timeZone = shopTimeZone): Promise<CustomerSummary> => {
      const { day, week, month } = currentStarts(new Date(), timeZone)
      const { withPhoto, withoutPhoto, countedAt, ...counts } = await count(
        [day, week, month].map((start) => start.toISOString()),
      )
      return { total: withPhoto + withoutPhoto, withPhoto, ...counts, timeZone, countedAt: countedAt.toISOString() }
    },
  }
}
