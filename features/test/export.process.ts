import type { DatabaseConfig } from '@clientele/platform/data/database-config'
import { createExportJobKind } from '../src/exports/export.jobs.ts'
import { createSnapshotDb } from '../src/exports/snapshot.ts'
import type { JobConfig } from '../src/jobs/job.config.ts'
import { createJobQuota } from '../src/jobs/job.quota.ts'
import { createJobFiles } from '../src/jobs/job-files.ts'
import { runWorkerProcess } from '../src/jobs/worker-process.ts'
import { things } from './export.things.ts'

const schema = 'platform_test'

runWorkerProcess<JobConfig & DatabaseConfig & { logLevel: string; exportMaxSeconds: number }>({
  name: 'export-test',
  schema,
  kinds: ({ config, db }) => {
    const quota = createJobQuota(db, config)
    const deps = { snapshots: createSnapshotDb(config, schema), files: createJobFiles(db), quota, config }
    return [createExportJobKind(things, deps)]
  },
})
