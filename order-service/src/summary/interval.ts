import type { OrderSummary } from '@clientele/contracts/order'
import { wallTime } from '@clientele/platform/runtime/time-zone'

export type Interval = OrderSummary['interval']

const hour = 3_600_000
const day = 24 * hour
/** The first Monday after 1970-01-01, in milliseconds: ISO 8601 weeks begin on Mondays. */
const firstMonday = 4 * day

const indexOf: Record<Interval, (at: Date) => number> = {
  hour: (at) => Math.floor(at.getTime() / hour),
  day: (at) => Math.floor(at.getTime() / day),
  week: (at) => Math.floor((at.getTime() - firstMonday) / (7 * day)),
  month: (at) => at.getUTCFullYear() * 12 + at.getUTCMonth(),
}

/** How many intervals of a time zone overlap the range from `from` up to, but not including, `to`. */
export const intervalsBetween = (from: Date, to: Date, interval: Interval, timeZone: string): number => {
  const [first, last] = [wallTime(from, timeZone), wallTime(new Date(to.getTime() - 1), timeZone)]
  return indexOf[interval](last) - indexOf[interval](first) + 1
}
