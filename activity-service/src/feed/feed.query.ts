import { documentedAs } from '@clientele/contracts/fields'
import { FilterError } from '@clientele/platform/lists/filters'
import { maxLimit, readTime } from '@clientele/platform/lists/list'
import { z } from 'zod'
import { eventParameters } from '../access/event-parameters.ts'
import { parameter } from '../access/parameter.ts'

const defaultLimit = 50
// Clocks of clients may be a little fast.
const maxSkewMs = 5_000

const readLimit = (value: string): number => {
  const limit = /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN
  if (!(limit >= 1 && limit <= maxLimit)) throw new FilterError(`must be a whole number from 1 to ${maxLimit}`)
  return limit
}
const readCursor = (value: string): number => {
  if (!/^\d{1,15}$/.test(value)) throw new FilterError('must be a nextCursor of the feed, or the seq of an event')
  return Number(value)
}
const readSince = (value: string): Date => {
  const since = new Date(readTime(value))
  if (since.getTime() > Date.now() + maxSkewMs) throw new FilterError('must not be in the future')
  return since
}

/** The parameters of the feed. */
export const feedQuery = z.strictObject({
  ...eventParameters,
  since: parameter(readSince)
    .optional()
    .meta({
      ...documentedAs({ type: 'string', format: 'date-time' }),
      param: {
        description:
          'Where to begin without a cursor: at the first event that was recorded at this time or later. A time (RFC 3339), or a day. Default: the oldest event. With a cursor it has no effect.',
      },
    }),
  cursor: parameter(readCursor)
    .optional()
    .meta({
      ...documentedAs({ type: 'string', pattern: '^\\d{1,15}$' }),
      param: { description: 'The `nextCursor` of the page before, or the `seq` of the event after which to begin.' },
    }),
  limit: parameter(readLimit)
    .optional()
    .transform((limit = defaultLimit) => limit)
    .meta({
      ...documentedAs({ type: 'integer', minimum: 1, maximum: maxLimit }),
      param: { description: `Events per page. Default: ${defaultLimit}.` },
    }),
})
export type FeedQuery = z.output<typeof feedQuery>
