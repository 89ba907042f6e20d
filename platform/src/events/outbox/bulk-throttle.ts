import type { Db } from '../../data/db.ts'
import { partitions } from './outbox.ts'
import { bulkAge } from './outbox-rows.ts'

/** When the events of jobs leave. Times are milliseconds. */
export type BulkPace = {
  /** So many a second, at most. Default 500: those who receive them share the machine with requests. */
  perSecond?: number | undefined
  /** They wait until none has come for so long. Default 3 s: a job at work has the database for itself. */
  quietMs?: number
  /** But no longer than this. Default 5 minutes. */
  longestMs?: number
}

const lookEveryMs = 500
// What was not used up by then is forgone: no burst after a pause.
const longestSavedMs = 200
// Fewer at first: in those who receive them, the code for it is not compiled yet.
const risingMs = 4_000

/** Says how many events in bulk may leave now. */
export const createBulkPace = (db: Db, { perSecond = 500, quietMs = 3_000, longestMs = 300_000 }: BulkPace = {}) => {
  let lookAt = 0
  let paidAt = 0
  // Undefined while they have to wait.
  let openedAt: number | undefined

  return {
    /** Looks at the events that wait, every now and then. */
    look: async (): Promise<void> => {
      if (Date.now() < lookAt) return
      lookAt = Date.now() + lookEveryMs
      const { oldest, newest } = await bulkAge(db)
      const mayLeave = newest !== null && oldest !== null && (newest * 1_000 >= quietMs || oldest * 1_000 >= longestMs)
      if (!mayLeave) openedAt = undefined
      else if (openedAt === undefined) openedAt = paidAt = Date.now()
    },
    /** @returns how many of each partition; 0 while they have to wait, as far as was seen */
    allowance: (): number => {
      if (openedAt === undefined) return 0
      const now = Date.now()
      const risen = Math.min((now - openedAt) / risingMs, 1)
      const some = Math.floor((perSecond * risen * Math.min(now - paidAt, longestSavedMs)) / 1_000 / partitions)
      if (some > 0) paidAt = now
      return some
    },
  }
}
