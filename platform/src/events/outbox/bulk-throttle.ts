import type { Db } from '../../data/db.ts'
import { partitions } from './outbox.ts'
import { readBulkAge } from './outbox-rows.ts'

/** The throttling of bulk events. Times are milliseconds. */
export type BulkThrottleOptions = {
  /** Maximum rate in events per second. Default 500: their consumers share the machine with requests. */
  perSecond?: number | undefined
  /**
   * Bulk events wait until none has been added for this long, so that a running job has the database to itself. Default 3 s.
   */
  quietMs?: number
  /** Bulk events wait no longer than this, even if more are added. Default 5 minutes. */
  maxWaitMs?: number
}

const refreshIntervalMs = 500
// Quota that is not used within this time is lost, so that no burst follows a pause.
const maxAccruedMs = 200
// The rate grows to its maximum over this time, because consumers are slower until their code has been compiled.
const rampUpMs = 4_000

/** Creates a throttle, which decides how many bulk events may be published now. */
export const createBulkThrottle = (
  db: Db,
  { perSecond = 500, quietMs = 3_000, maxWaitMs = 300_000 }: BulkThrottleOptions = {},
) => {
  let nextRefreshAt = 0
  let lastGrantAt = 0
  // Undefined while bulk events have to wait.
  let openedAt: number | undefined

  return {
    /** Reads the age of the waiting bulk events, at most twice a second, and opens or closes the throttle. */
    refresh: async (): Promise<void> => {
      if (Date.now() < nextRefreshAt) return
      nextRefreshAt = Date.now() + refreshIntervalMs
      const { oldest, newest } = await readBulkAge(db)
      const isOpen = newest !== null && oldest !== null && (newest * 1_000 >= quietMs || oldest * 1_000 >= maxWaitMs)
      if (!isOpen) openedAt = undefined
      else if (openedAt === undefined) openedAt = lastGrantAt = Date.now()
    },
    /** Uses up the accrued quota. @returns how many bulk events of each partition may be published; 0 while they have to wait */
    takeQuota: (): number => {
      if (openedAt === undefined) return 0
      const now = Date.now()
      const ramp = Math.min((now - openedAt) / rampUpMs, 1)
      const quota = Math.floor((perSecond * ramp * Math.min(now - lastGrantAt, maxAccruedMs)) / 1_000 / partitions)
      if (quota > 0) lastGrantAt = now
      return quota
    },
  }
}
