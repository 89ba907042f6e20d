import { getPriority, setPriority } from 'node:os'
import type { DatabaseConfig } from '@clientele/platform/data/database-config'
import { createDb, type Db } from '@clientele/platform/data/db'
import { createLog, type Log } from '@clientele/platform/runtime/log'
import type { JobConfig } from './job.config.ts'
import type { JobKind } from './job-kind.ts'
import { createJobRunner } from './worker.ts'

/** What the service's process sends to its job process. */
export type JobMessage<C = unknown> = { config: C } | 'wake' | 'stop'

type Base = JobConfig & DatabaseConfig & { logLevel: string }
type Options<C> = { name: string; schema: string; kinds(parts: { config: C; db: Db; log: Log }): JobKind[] }

// Requests come first wherever they share a core with jobs.
const niceness = 10
const stopMs = 20_000

/**
 * The whole of a service's `jobs.ts`: runs its jobs until there are none, or the service stops or is gone. The configuration comes from
 * the service, so that no variable is read twice.
 */
export const runJobProcess = <C extends Base>({ name, schema, kinds }: Options<C>): void => {
  const begin = async (config: C): Promise<void> => {
    // A process may become nicer, but not less nice: a service that was started with nice may be beyond it already.
    if (getPriority() < niceness) setPriority(niceness)
    const log = createLog({ name, level: config.logLevel })
    // A step and its lease's renewal for each job, and one to claim the next.
    const db = createDb({ ...config, databasePoolMax: config.jobsPerReplica * 2 + 1 }, schema)
    const runner = createJobRunner({ db, kinds: kinds({ config, db, log }), config, log })
    const stop = () => {
      setTimeout(() => process.exit(1), stopMs).unref()
      runner.stop()
    }
    process.on('message', (message: JobMessage<C>) => {
      if (message === 'wake') runner.wake()
      if (message === 'stop') stop()
    })
    process.once('disconnect', stop)
    await runner.run()
    await db.close()
    process.exit()
  }
  process.once('message', (message: JobMessage<C>) => {
    if (typeof message !== 'object') return process.exit(1)
    begin(message.config).catch((error: unknown) => {
      console.error(error)
      process.exit(1)
    })
  })
}
