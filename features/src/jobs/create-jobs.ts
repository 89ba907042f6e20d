import type { Db } from '@clientele/platform/data/db'
import type { UserNames } from '@clientele/platform/data/user-names'
import type { Consumer } from '@clientele/platform/events/consumer/consumer'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import type { UserProjection } from '../users/user-projection.ts'
import { jobCleanupTask } from './job.cleanup.ts'
import type { JobConfig } from './job.config.ts'
import { createJobQuota, type JobQuota } from './job.quota.ts'
import { createJobService, type JobService } from './job.service.ts'
import { createJobTable, type JobTable } from './job.store.ts'
import { createJobFiles, type JobFiles } from './job-files.ts'
import { createJobLinks } from './job-links.ts'
import { jobOwnerConsumer, userRoleProjection } from './user-roles.ts'
import { createWorkerSupervisor } from './worker-supervisor.ts'

type Config = JobConfig & { publicUrl?: string | undefined }
type Options = {
  /** The name of the service, for example `customer-service`. */
  name: string
  db: Db
  config: Config
  log: Log
  /** The service's worker program, which calls `runWorkerProcess`. */
  program: URL
  /** The kinds of jobs that the program runs. */
  kinds: string[]
  userNames: UserNames
  /** Base path of the job routes, for example `/v1/jobs`. */
  base: string
}

/** The parts of a service that has jobs. `tasks` and `consumers` are for `startService`, `projections` for `userReconciliationTask`. */
export type Jobs = {
  service: JobService
  userNames: UserNames
  table: JobTable
  files: JobFiles
  quota: JobQuota
  tasks: Task[]
  consumers: Consumer[]
  projections: UserProjection[]
}

/** Creates the parts. They are not started. */
export const createJobs = ({ name, db, config, log, program, kinds, userNames, base }: Options): Jobs => {
  const files = createJobFiles(db)
  const supervisor = createWorkerSupervisor({ db, program, config, kinds, log })
  const links = createJobLinks(db, base, config.publicUrl)
  const table = createJobTable(db)
  const quota = createJobQuota(db, config)
  const service = createJobService({ db, table, files, quota, links, userNames, wake: supervisor.wake })
  const userRoles = userRoleProjection({ db, table, wake: supervisor.wake })
  return {
    service,
    userNames,
    table,
    files,
    quota,
    tasks: [supervisor, jobCleanupTask(db, log)],
    consumers: [jobOwnerConsumer(name, userRoles, db)],
    projections: [userRoles],
  }
}
