import type { OrderSummary } from '@clientele/contracts/order'
import type { Db } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import { startOfDay } from '@clientele/platform/runtime/time-zone'
import { formatPrice } from '../products/product.price.ts'
import { type Interval, intervalsBetween } from './interval.ts'

const maxIntervals = 400
const defaultRangeMs = 30 * 24 * 3_600_000

/** `from` and `to` are times, or days in the time zone. */
type SummaryQuery = {
  from?: string | undefined
  to?: string | undefined
  interval: Interval
  timeZone?: string | undefined
}

/** Less than the shortest interval of each kind, so that a series of times with this step meets every interval. */
const steps: Record<Interval, string> = { hour: '15 minutes', day: '12 hours', week: '3 days', month: '14 days' }

const selectSummary = `with sums as (
  select date_trunc($3::text, placed_at, $4::text) as start, currency, count(*) as orders, sum(total) as revenue
  from orders where placed_at >= $1 and placed_at < $2 and status <> 'cancelled' group by 1, 2
), starts as (
  select distinct date_trunc($3::text, at, $4::text) as start from (
    select generate_series($1::timestamptz, $2::timestamptz - interval '1 ms', $5::interval) as at
    union all select $2::timestamptz - interval '1 ms'
  ) times
), currencies as (
  select distinct currency from sums union all select $6::text where not exists (select from sums)
)
select start, currency, coalesce(orders, 0)::int as orders, coalesce(revenue, 0)::text as revenue
from starts cross join currencies left join sums using (start, currency) order by 1, 2`

const invalidParameter = (parameter: string, message: string) =>
  new Problem('invalid_parameter', {
    detail: `${parameter}: ${message}`,
    errors: [{ parameter, code: 'invalid_parameter', message }],
  })

export type SummaryService = ReturnType<typeof createSummaryService>

// A time zone can move a time out of the years that PostgreSQL accepts.
const minTime = new Date('0001-01-01')
const maxTime = new Date('9999-12-31')

const readTime = (parameter: 'from' | 'to', text: string | undefined, timeZone: string): Date | undefined => {
  if (text === undefined) return undefined
  const at = text.includes('T') ? new Date(text) : startOfDay(text, timeZone)
  if (at < minTime || at > maxTime) throw invalidParameter(parameter, 'must be in the years 1 to 9999')
  return at
}

type Deps = { db: Db; shopCurrency: string; shopTimeZone: string }

/** Sums up orders and revenue over time. Cancelled orders are left out. */
export const createSummaryService = ({ db, shopCurrency, shopTimeZone }: Deps) => ({
  /** @throws Problem 400 if the range is empty or has too many intervals */
  summarise: async ({ interval, timeZone = shopTimeZone, ...range }: SummaryQuery): Promise<OrderSummary> => {
    const from = readTime('from', range.from, timeZone)
    const to = readTime('to', range.to, timeZone)
    // Without `to`, a `from` in the future still gives a range, of one millisecond.
    const end = to ?? (from ? new Date(Math.max(Date.now(), from.getTime() + 1)) : new Date())
    const begin = from ?? new Date(end.getTime() - defaultRangeMs)
    if (begin >= end) throw invalidParameter('from', 'must be before `to`')
    const count = intervalsBetween(begin, end, interval, timeZone)
    if (count > maxIntervals)
      throw invalidParameter(
        'interval',
        `the range has ${count} intervals, at most ${maxIntervals} are allowed: choose a longer interval or a shorter range`,
      )
    const rows = await db.query<{ start: Date; currency: string; orders: number; revenue: string }>(
      selectSummary,
      [begin.toISOString(), end.toISOString(), interval, timeZone, steps[interval], shopCurrency],
      { name: 'order_summary' },
    )
    const data = rows.map(({ start, currency, orders, revenue }) => ({
      start: start.toISOString(),
      currency,
      orders,
      revenue: formatPrice(revenue, currency),
    }))
    return { interval, timeZone, from: begin.toISOString(), to: end.toISOString(), data }
  },
})
