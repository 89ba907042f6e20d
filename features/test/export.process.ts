import type { DatabaseConfig } from '@clientele/platform/data/database-config'
import { exportKind } from '../src/exports/export.jobs.ts'
import { createSnapshotDb } from '../src/exports/snapshot.ts'
import type { JobConfig } from '../src/jobs/job.config.ts'
import { createJobFiles } from '../src/jobs/job-files.ts'
import { runJobProcess } from '../src/jobs/worker-process.ts'
import { things } from './export.things.ts'

const schema = 'platform_test'

runJobProcess<JobConfig & DatabaseConfig & { logLevel: string; exportMaxSeconds: number }>({
  name: 'export-test',
  schema,
  kinds: ({ config, db }) => [
    exportKind(things, { snapshots: createSnapshotDb(config, schema), files: createJobFiles(db), config }),
  ],
})
