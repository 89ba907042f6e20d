import { runJobProcess } from '../src/job-process.ts'
import { countKind } from './jobs.kinds.ts'

runJobProcess({ name: 'jobs-test', schema: 'platform_test', kinds: ({ db }) => [countKind(db)] })
