import { getPriority, setPriority } from 'node:os'
import type { DatabaseConfig } from '@clientele/platform/data/database-config'
import { createDb, type Db } from '@clientele/platform/data/db'
import { createLog, type Log } from '@clientele/platform/runtime/log'
import type { JobConfig } from './job.config.ts'
import type { JobKind } from './job-kind.ts'
import { createJobWorker } from './worker.ts'

/** A message from the service's process to its worker process: first the configuration, later `wake` and `stop`. */
export type WorkerMessage<C = unknown> = { config: C } | 'wake' | 'stop'

type Base = JobConfig & DatabaseConfig & { logLevel: string }
type Options<C> = { name: string; schema: string; kinds(parts: { config: C; db: Db; log: Log }): JobKind[] }

// Requests take precedence over jobs on a shared core.
const niceness = 10
const stopTimeoutMs = 20_000

/**
 * The main function of a service's `jobs.ts`. It runs jobs until there are none, the service says `stop` or its process ends. The
 * configuration comes from the service's process, not from environment variables.
 */
export const runWorkerProcess = <C extends Base>({ name, schema, kinds }: Options<C>): void => {
  const run = async (config: C): Promise<void> => {
    // The service may have been started with a higher niceness, which only root may lower.
    if (getPriority() < niceness) setPriority(niceness)
    const log = createLog({ name, level: config.logLevel })
    // Two connections per job, for its step and for renewing its lease, and one to claim the next job.
    const db = createDb({ ...config, databasePoolMax: config.jobsPerReplica * 2 + 1 }, schema)
    const worker = createJobWorker({ db, kinds: kinds({ config, db, log }), config, log })
    const stop = () => {
      setTimeout(() => process.exit(1), stopTimeoutMs).unref()
      worker.stop()
    }
    process.on('message', (message: WorkerMessage<C>) => {
      if (message === 'wake') worker.wake()
      if (message === 'stop') stop()
    })
    process.once('disconnect', stop)
    await worker.run()
    await db.close()
    process.exit()
  }
  process.once('message', (message: WorkerMessage<C>) => {
    if (typeof message !== 'object') return process.exit(1)
    run(message.config).catch((error: unknown) => {
      console.error(error)
      process.exit(1)
    })
  })
}
