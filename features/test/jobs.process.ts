import { runJobProcess } from '../src/jobs/worker-process.ts'
import { countKind } from './jobs.kinds.ts'

runJobProcess({ name: 'jobs-test', schema: 'platform_test', kinds: ({ db }) => [countKind(db)] })
