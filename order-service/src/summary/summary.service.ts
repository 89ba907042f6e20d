import type { OrderSummary } from '@clientele/contracts/order'
import type { Db } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import { shownPrice } from '../products/product.price.ts'
import { type Interval, intervalsBetween } from './interval.ts'

const mostIntervals = 400
const defaultMs = 30 * 24 * 3_600_000

type Asked = { from?: Date | undefined; to?: Date | undefined; interval: Interval }

const grouped = `select date_trunc($3::text, placed_at, 'UTC') as start, currency, count(*) as orders, sum(total)::text as revenue
from orders where placed_at >= $1 and placed_at < $2 and status <> 'cancelled' group by 1, 2 order by 1, 2`

const invalid = (parameter: string, message: string) =>
  new Problem('invalid_parameter', {
    detail: `${parameter}: ${message}`,
    errors: [{ parameter, code: 'invalid_parameter', message }],
  })

export type SummaryService = ReturnType<typeof createSummaryService>

/** Orders and revenue over time, cancelled ones left out. */
export const createSummaryService = ({ db }: { db: Db }) => ({
  /** @throws Problem 400 where the time is none, or has too many intervals */
  summarise: async ({ from, to, interval }: Asked): Promise<OrderSummary> => {
    const end = to ?? (from ? new Date(Math.max(Date.now(), from.getTime() + 1)) : new Date())
    const begin = from ?? new Date(end.getTime() - defaultMs)
    if (begin >= end) throw invalid('from', 'must be before `to`')
    const count = intervalsBetween(begin, end, interval)
    if (count > mostIntervals)
      throw invalid(
        'interval',
        `this time has ${count} of them, and ${mostIntervals} are the most: choose a longer one, or a shorter time`,
      )
    const rows = await db.query<{ start: Date; currency: string; orders: number; revenue: string }>(
      grouped,
      [begin.toISOString(), end.toISOString(), interval],
      { name: 'order_summary' },
    )
    const data = rows.map(({ start, currency, orders, revenue }) => ({
      start: start.toISOString(),
      currency,
      orders,
      revenue: shownPrice(revenue, currency),
    }))
    return { interval, from: begin.toISOString(), to: end.toISOString(), data }
  },
})
