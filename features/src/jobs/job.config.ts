import { integer } from '@clientele/platform/runtime/config'
import type { z } from 'zod'

/** Settings of a service with jobs. */
export const jobConfig = {
  /** Maximum number of jobs that one replica runs at the same time. */
  jobsPerReplica: integer(1, 50).default(2),
  /** Maximum number of jobs of one user that run at the same time, on all replicas together. */
  jobsPerUser: integer(1, 50).default(1),
  /** Duration of a lease. After a crash of its replica, a job waits for this time before another replica takes it over. */
  jobLeaseMs: integer(1_000, 600_000).default(15_000),
  /** Interval at which a replica looks for jobs to run. */
  jobPollMs: integer(50, 60_000).default(2_000),
  /** Maximum number of jobs of one user that have not ended. */
  jobsOpenPerUser: integer(1, 10_000).default(20),
  /** Maximum number and bytes of the files of one user's imports and exports. */
  jobFilesPerUser: integer(1, 100_000).default(200),
  jobFileBytesPerUser: integer(1_024, 10_000_000_000_000).default(5_000_000_000),
  /** Maximum bytes of the files of all users. */
  jobFileBytes: integer(1_024, 100_000_000_000_000).default(100_000_000_000),
  /** Time for which finished jobs and their files are kept. */
  jobKeepHours: integer(1, 8_760).default(168),
}
export type JobConfig = z.infer<z.ZodObject<typeof jobConfig>>
