import type { OrderSummary } from '@clientele/contracts/order'

export type Interval = OrderSummary['interval']

const hour = 3_600_000
const day = 24 * hour
/** The first Monday of all: ISO 8601 weeks begin then. */
const monday = 4 * day

const indexOf: Record<Interval, (at: Date) => number> = {
  hour: (at) => Math.floor(at.getTime() / hour),
  day: (at) => Math.floor(at.getTime() / day),
  week: (at) => Math.floor((at.getTime() - monday) / (7 * day)),
  month: (at) => at.getUTCFullYear() * 12 + at.getUTCMonth(),
}

/** How many intervals, in UTC, the time from `from` to before `to` touches. */
export const intervalsBetween = (from: Date, to: Date, interval: Interval): number =>
  indexOf[interval](new Date(to.getTime() - 1)) - indexOf[interval](from) + 1
