import type { DatabaseConfig } from '../src/database-config.ts'
import { exportKind } from '../src/export-kind.ts'
import { createSnapshotDb } from '../src/export-snapshot.ts'
import type { JobConfig } from '../src/job-config.ts'
import { createJobFiles } from '../src/job-files.ts'
import { runJobProcess } from '../src/job-process.ts'
import { things } from './export.things.ts'

const schema = 'platform_test'

runJobProcess<JobConfig & DatabaseConfig & { logLevel: string; exportMaxSeconds: number }>({
  name: 'export-test',
  schema,
  kinds: ({ config, db }) => [
    exportKind(things, { snapshots: createSnapshotDb(config, schema), files: createJobFiles(db), config }),
  ],
})
