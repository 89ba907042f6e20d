import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import { jobSweep } from './job.cleanup.ts'
import type { JobConfig } from './job.config.ts'
import { createJobService, type JobService } from './job.service.ts'
import { createJobTable, type JobTable } from './job.store.ts'
import { createJobFiles, type JobFiles } from './job-files.ts'
import { createJobLinks } from './job-links.ts'
import { createJobHost } from './worker-host.ts'

type Config = JobConfig & { publicUrl?: string | undefined; mediaSigningKey: string; mediaLinkTtlSeconds: number }
type Options = {
  db: Db
  config: Config
  log: Log
  /** The service's program of jobs, and the kinds that it knows. */
  program: URL
  kinds: string[]
  /** Where the routes of jobs are. */
  base: string
}

/** What a service with jobs has: routes' service, files, and the tasks for `startService`. */
export type Jobs = { service: JobService; table: JobTable; files: JobFiles; tasks: Task[] }

export const createJobs = ({ db, config, log, program, kinds, base }: Options): Jobs => {
  const files = createJobFiles(db)
  const host = createJobHost({ db, program, config, kinds, log })
  const links = createJobLinks(config, base)
  const table = createJobTable(db)
  const service = createJobService({ db, table, files, links, wake: host.wake })
  return { service, table, files, tasks: [host, jobSweep(db, log)] }
}
