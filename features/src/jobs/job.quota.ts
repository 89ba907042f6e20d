import { acquireLock } from '@clientele/platform/data/advisory-lock'
import type { Db, Tx } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import type { JobConfig } from './job.config.ts'

type Limits = Pick<JobConfig, 'jobsOpenPerUser' | 'jobFilesPerUser' | 'jobFileBytesPerUser' | 'jobFileBytes'>
type Used = { files: number; bytes: number }

const countOpen = `select count(*)::int as open from jobs where owner_id = $1 and status in ('queued', 'running', 'cancelling')`
const sumOfOwner = `select count(*)::int as files, coalesce(sum(bytes), 0)::bigint as bytes from job_files
  where owner_id = $1 and ($2::uuid is null or id <> $2)`
const sumOfAll = `select coalesce(sum(bytes), 0)::bigint as bytes from job_files`

const tooMuch = (detail: string): Problem => new Problem('quota_exceeded', { detail })

export type JobQuota = ReturnType<typeof createJobQuota>

/**
 * Limits what one user has waiting and stored, and what all users together have stored. The checks of one user run one after the
 * other: each holds a lock until the end of its transaction.
 */
export const createJobQuota = (db: Db, limits: Limits) => {
  const lock = (ownerId: string, tx: Tx) => acquireLock(db, tx, `jobs of ${ownerId}`)

  return {
    /** Makes sure that the user may have one more unfinished job. @throws Problem 429 */
    assertMayAddJob: async (ownerId: string, tx: Tx): Promise<void> => {
      await lock(ownerId, tx)
      const [row] = await db.query<{ open: number }>(countOpen, [ownerId], { tx })
      if ((row?.open ?? 0) >= limits.jobsOpenPerUser)
        throw tooMuch(
          `you have ${limits.jobsOpenPerUser} jobs that have not ended, which is the limit; wait until one has ended, or cancel one`,
        )
    },

    /**
     * Makes sure that the user may store one more file of `bytes`, or of an unknown size. `exceptId` is a file that exists
     * already and does not count.
     * @throws Problem 429 for the user, 507 if all users together store too much
     */
    assertMayStore: async (ownerId: string, { bytes = 0, exceptId }: { bytes?: number; exceptId?: string }, tx: Tx) => {
      await lock(ownerId, tx)
      const [own] = await db.query<Used>(sumOfOwner, [ownerId, exceptId ?? null], { tx })
      if ((own?.files ?? 0) >= limits.jobFilesPerUser)
        throw tooMuch(
          `you have ${own?.files} files of imports and exports (limit: ${limits.jobFilesPerUser}); delete imports or jobs that you do not need`,
        )
      if ((own?.bytes ?? 0) + bytes > limits.jobFileBytesPerUser)
        throw tooMuch(
          `your files of imports and exports have ${own?.bytes} bytes (limit: ${limits.jobFileBytesPerUser}); delete imports or jobs that you do not need`,
        )
      const [all] = await db.query<Used>(sumOfAll, [], { tx })
      if ((all?.bytes ?? 0) + bytes > limits.jobFileBytes) throw new Problem('insufficient_storage')
    },
  }
}
