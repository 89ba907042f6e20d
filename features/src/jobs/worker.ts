import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { createBell } from '@clientele/platform/runtime/wake-signal'
import type { JobConfig } from './job.config.ts'
import { createJobTable } from './job.store.ts'
import type { JobKind } from './job-kind.ts'
import { runJob } from './run-job.ts'

type Options = { db: Db; kinds: JobKind[]; config: JobConfig; log: Log; idleMs?: number; retryMs?: number }

/** Takes jobs and runs them, several at a time. */
export type JobRunner = {
  /** Runs until nothing was there to do for `idleMs`, or it is stopped. */
  run(): Promise<void>
  /** There may be something to do. */
  wake(): void
  /** Ends each job after its present step and gives it back to the others. */
  stop(): void
}

const usualIdleMs = 10_000
const afterFaultMs = 1_000

export const createJobRunner = ({ db, kinds, config, log, idleMs = usualIdleMs, retryMs }: Options): JobRunner => {
  const table = createJobTable(db)
  const byName = new Map(kinds.map((kind) => [kind.kind, kind]))
  const leasing = { leaseMs: config.jobLeaseMs, perUser: config.jobsPerUser }
  const options = { db, table, log, leaseMs: config.jobLeaseMs, keepHours: config.jobKeepHours, retryMs }
  const bell = createBell()
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()

  const takeOne = async (): Promise<boolean> => {
    const claim = await table.claim([...byName.keys()], leasing)
    const kind = claim && byName.get(claim.job.kind)
    if (!kind) return false
    const work = runJob(kind, claim, options, stopping.signal).finally(() => {
      running.delete(work)
      bell.ring()
    })
    running.add(work)
    return true
  }

  return {
    wake: bell.ring,
    stop: () => {
      stopping.abort()
      bell.ring()
    },
    run: async () => {
      let idleSince = Date.now()
      while (!stopping.signal.aborted) {
        bell.rang()
        const took =
          running.size < config.jobsPerReplica &&
          (await takeOne().catch(async (err: unknown) => {
            log.warn({ err }, 'no job could be taken')
            await bell.wait(afterFaultMs)
            return false
          }))
        if (took || running.size > 0) idleSince = Date.now()
        if (Date.now() - idleSince >= idleMs) break
        if (!took) await bell.wait(Math.min(config.jobPollMs, idleMs))
      }
      await Promise.all(running)
    },
  }
}
