import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { createWakeSignal } from '@clientele/platform/runtime/wake-signal'
import type { JobConfig } from './job.config.ts'
import { createJobTable } from './job.store.ts'
import type { JobKind } from './job-kind.ts'
import { runJob } from './run-job.ts'

type Options = { db: Db; kinds: JobKind[]; config: JobConfig; log: Log; idleMs?: number; retryMs?: number }

/** Claims jobs and runs up to `jobsPerReplica` of them at the same time. */
export type JobWorker = {
  /** Runs until there have been no jobs for `idleMs`, or `stop` is called. */
  run(): Promise<void>
  /** Looks for jobs now. */
  wake(): void
  /** Ends each job after its current step and releases it for other replicas. */
  stop(): void
}

const defaultIdleMs = 10_000
const claimRetryMs = 1_000

/** Creates a worker. `idleMs` is the time without jobs after which `run` ends, by default 10 s. */
export const createJobWorker = ({ db, kinds, config, log, idleMs = defaultIdleMs, retryMs }: Options): JobWorker => {
  const table = createJobTable(db)
  const byName = new Map(kinds.map((kind) => [kind.kind, kind]))
  const limits = { leaseMs: config.jobLeaseMs, perUser: config.jobsPerUser }
  const options = { db, table, log, leaseMs: config.jobLeaseMs, keepHours: config.jobKeepHours, retryMs }
  const wakeSignal = createWakeSignal()
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()

  const claimNext = async (): Promise<boolean> => {
    const claim = await table.claim([...byName.keys()], limits)
    const kind = claim && byName.get(claim.job.kind)
    if (!kind) return false
    const work = runJob(kind, claim, options, stopping.signal).finally(() => {
      running.delete(work)
      wakeSignal.notify()
    })
    running.add(work)
    return true
  }

  return {
    wake: wakeSignal.notify,
    stop: () => {
      stopping.abort()
      wakeSignal.notify()
    },
    run: async () => {
      let idleSince = Date.now()
      while (!stopping.signal.aborted) {
        wakeSignal.consume()
        const claimed =
          running.size < config.jobsPerReplica &&
          (await claimNext().catch(async (err: unknown) => {
            log.warn({ err }, 'claiming a job failed')
            await wakeSignal.wait(claimRetryMs)
            return false
          }))
        if (claimed || running.size > 0) idleSince = Date.now()
        if (Date.now() - idleSince >= idleMs) break
        if (!claimed) await wakeSignal.wait(Math.min(config.jobPollMs, idleMs))
      }
      await Promise.all(running)
    },
  }
}
