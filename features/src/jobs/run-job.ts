import type { JobError } from '@clientele/contracts/job'
import { isConflict, isConnectionError, isLockTimeout } from '@clientele/platform/data/database-errors'
import type { Db, Tx } from '@clientele/platform/data/db'
import { reportFault } from '@clientele/platform/runtime/error-reporting'
import type { Log } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import type { Claim, JobTable } from './job.store.ts'
import { type Checkpoint, type JobContext, JobFailure, type JobKind, RunEnded } from './job-kind.ts'

/** `retryMs` is the wait before the second attempt; it doubles with each. */
export type RunOptions = {
  db: Db
  table: JobTable
  log: Log
  leaseMs: number
  keepHours: number
  retryMs?: number | undefined
}

/** So often in a row, without a step between, a job may break off before it is given up. */
const mostAttempts = 6
const mostClashes = 5

const isClash = (error: unknown): boolean => isConflict(error) || isLockTimeout(error)

const givenUp: JobError = {
  code: 'given_up',
  message: `the work broke off ${mostAttempts} times in a row; the fault is ours and stands in the log under the id of this job`,
}

const errorOf = (error: unknown): JobError | undefined => {
  if (error instanceof JobFailure) return { code: error.code, message: error.message }
  if (error instanceof Problem && error.status < 500)
    return { code: error.code, message: error.options.detail ?? error.message }
  return undefined
}

/** Runs a claimed job to its end, or until it has to be left to others; never rejects. */
export const runJob = async (
  kind: JobKind,
  claim: Claim,
  { db, table, log: parent, leaseMs, keepHours, retryMs = 1_000 }: RunOptions,
  stopping: AbortSignal,
): Promise<void> => {
  const { job, lease } = claim
  const log = parent.child({ jobId: job.id, kind: job.kind })
  const ending = new AbortController()
  const signal = AbortSignal.any([stopping, ending.signal])
  const lost = () => {
    ending.abort()
    return new RunEnded('lease lost')
  }
  // Between the steps too: reading up to the checkpoint may take long.
  const renewing = setInterval(() => {
    table.renew(job.id, lease, leaseMs).then(
      (held) => !held && lost(),
      (err: unknown) => log.warn({ err }, 'the lease could not be renewed'),
    )
  }, leaseMs / 3)

  const mayGoOn = () => {
    if (ending.signal.aborted) throw new RunEnded('lease lost')
    if (stopping.aborted) throw new RunEnded('stopping')
  }

  const committed = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
    for (let clashes = 1; ; clashes += 1) {
      try {
        return await db.transaction(work)
      } catch (error) {
        if (!isClash(error) || clashes === mostClashes) throw error
      }
    }
  }

  const end = async (status: 'succeeded' | 'failed' | 'cancelled', error: JobError | null, tx: Tx, file?: string) => {
    if (!(await table.end(job.id, lease, { status, error, resultFile: file, keepHours }, tx))) throw lost()
  }
  const endWithout = (status: 'failed' | 'cancelled', error: JobError | null) =>
    committed(async (tx) => {
      await kind.ended?.(job, { status, error }, tx)
      await end(status, error, tx)
    })

  let stepped = false
  const keep = async (left: Checkpoint, tx: Tx) => {
    const status = await table.checkpoint(job.id, lease, leaseMs, left, tx)
    if (status === undefined) throw lost()
    return status
  }
  const remember = ({ counts, state }: Checkpoint) => {
    stepped = true
    Object.assign(job, counts && { counts }, state !== undefined && { state })
  }

  let finished = false
  const context: JobContext = {
    signal,
    step: async (work) => {
      mayGoOn()
      const [left, status] = await committed(async (tx) => {
        const left = await work(tx)
        return [left, await keep(left, tx)] as const
      })
      remember(left)
      if (status === 'cancelling') throw new RunEnded('cancelled')
      mayGoOn()
    },
    finish: async (work) => {
      mayGoOn()
      const left = await committed(async (tx) => {
        const left = await work(tx)
        await keep(left, tx)
        await end('succeeded', null, tx, left.resultFile)
        return left
      })
      remember(left)
      finished = true
    },
  }

  const settle = async (error: unknown): Promise<void> => {
    if (ending.signal.aborted) return log.warn('left to whoever has the lease now')
    if (error instanceof RunEnded && error.why === 'cancelled') return endWithout('cancelled', null)
    if (stopping.aborted) return table.giveBack(job.id, lease)
    const reason = errorOf(error)
    if (reason) return endWithout('failed', reason)
    log.error({ err: error }, 'a job broke off')
    // It will be tried again when the database is back and the lease has run out.
    if (isConnectionError(error)) return
    reportFault(error)
    const attempts = stepped ? 1 : claim.attempts
    if (attempts >= mostAttempts) return endWithout('failed', givenUp)
    return table.giveBack(job.id, lease, { failed: givenUp, waitMs: retryMs * 2 ** (attempts - 1) })
  }

  try {
    if (claim.status === 'cancelling') throw new RunEnded('cancelled')
    if (claim.attempts > mostAttempts) return await endWithout('failed', givenUp)
    await kind.run(job, context)
    if (!finished) await context.finish(async () => ({}))
    log.info({ counts: job.counts }, 'job done')
  } catch (error) {
    await settle(error).catch((err: unknown) => log.error({ err }, 'a job could not be given back'))
  } finally {
    clearInterval(renewing)
  }
}
