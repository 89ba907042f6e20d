import { z } from 'zod'
import { time } from './fields.ts'

/** The sessions that a revocation can keep: those that began in its second. */
export const maxKeptSessions = 20

/**
 * Access tokens that are refused. Of a user: those issued in the second of `notBefore` or earlier, but those of
 * `keptSessions`, which began after the revocation or were not meant by it. With `role`, only those that carry the role. With
 * `sessionId`, all tokens of this session and no others; `userId` is absent if nobody knows whose session it was.
 */
export const Revocation = z
  .object({
    userId: z.string().optional(),
    notBefore: time,
    sessionId: z.string().optional(),
    role: z.string().optional(),
    keptSessions: z.array(z.string()).max(maxKeptSessions).optional(),
  })
  .meta({ id: 'Revocation' })
export type Revocation = z.infer<typeof Revocation>

/** What the events that end access carry of it. Receivers read the rest from user-service. */
export const maxRevocationsPerEvent = 100
export const EventRevocations = z.array(Revocation).max(maxRevocationsPerEvent)

/** The maximum number of revocations in a response of user-service. */
export const maxRevocationsPerPage = 10_000

/**
 * The response of `GET /revocations?since=&limit=&after=` on user-service's internal port, oldest first. `next` is the `after` of
 * the next page; the last page has none. user-service keeps a revocation for a day. Without `limit`, the response is the one of
 * earlier versions: one page with a time for each user, newest first.
 */
export const Revocations = z.object({
  data: z.array(Revocation).max(maxRevocationsPerPage),
  next: z.string().optional(),
})
