import { runWorkerProcess } from '../src/jobs/worker-process.ts'
import { countKind } from './count-job.ts'

runWorkerProcess({ name: 'jobs-test', schema: 'platform_test', kinds: ({ db }) => [countKind(db)] })
