import { integer } from '@clientele/platform/runtime/config'
import type { z } from 'zod'

/** What a service with jobs needs besides. Times are milliseconds where the name does not say otherwise. */
export const jobConfig = {
  /** Jobs that one replica works on at the same time, and that one user may have at work on all replicas. */
  jobsPerReplica: integer(1, 50).default(2),
  jobsPerUser: integer(1, 50).default(1),
  /** How long a replica that is gone keeps a job from the others. */
  jobLeaseMs: integer(1_000, 600_000).default(15_000),
  /** How often a replica looks for jobs of others. */
  jobPollMs: integer(50, 60_000).default(2_000),
  /** How long finished jobs and their files are kept. */
  jobKeepHours: integer(1, 8_760).default(168),
}
export type JobConfig = z.infer<z.ZodObject<typeof jobConfig>>
