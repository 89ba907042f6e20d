import type { JobError, JobStatus } from '@clientele/contracts/job'
import { isConflict, isConnectionError, isLockTimeout } from '@clientele/platform/data/database-errors'
import type { Db, Tx } from '@clientele/platform/data/db'
import { reportError } from '@clientele/platform/runtime/error-reporting'
import type { Log } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import type { Claim, JobTable } from './job.store.ts'
import { type Checkpoint, type JobContext, JobFailure, type JobKind, RunInterrupted } from './job-kind.ts'

/** `retryMs` is the wait before the second attempt; it doubles with each further attempt. */
export type RunOptions = {
  db: Db
  table: JobTable
  log: Log
  leaseMs: number
  keepHours: number
  retryMs?: number | undefined
}

/** Maximum number of attempts in a row that complete no step. The job then fails. */
const maxAttempts = 6
/** Maximum number of attempts of one step that fail because of a conflict with another transaction. */
const maxConflicts = 5

const isConflictOrLockTimeout = (error: unknown): boolean => isConflict(error) || isLockTimeout(error)

const givenUpError: JobError = {
  code: 'given_up',
  message: `the job failed ${maxAttempts} times in a row because of an internal error; an admin finds it in the log by the id of this job`,
}

/** Converts an error that the job cannot recover from; undefined for any other error, after which the job is retried. */
const toJobError = (error: unknown): JobError | undefined => {
  if (error instanceof JobFailure) return { code: error.code, message: error.message }
  if (error instanceof Problem && error.status < 500)
    return { code: error.code, message: error.options.detail ?? error.message }
  return undefined
}

/** Runs a claimed job until it ends, the replica stops or the lease is lost. Never rejects. */
export const runJob = async (
  kind: JobKind,
  claim: Claim,
  { db, table, log: parent, leaseMs, keepHours, retryMs = 1_000 }: RunOptions,
  stopping: AbortSignal,
): Promise<void> => {
  const { job, lease } = claim
  const log = parent.child({ jobId: job.id, kind: job.kind })
  const leaseLost = new AbortController()
  const signal = AbortSignal.any([stopping, leaseLost.signal])
  const loseLease = () => {
    leaseLost.abort()
    return new RunInterrupted('lease lost')
  }
  // Steps renew the lease as well, but the time between two steps may be longer than the lease.
  const renewTimer = setInterval(() => {
    table.renew(job.id, lease, leaseMs).then(
      (held) => !held && loseLease(),
      (err: unknown) => log.warn({ err }, 'renewing the lease of a job failed'),
    )
  }, leaseMs / 3)

  /** @throws RunInterrupted if the lease is lost or the replica stops */
  const assertMayContinue = () => {
    if (leaseLost.signal.aborted) throw new RunInterrupted('lease lost')
    if (stopping.aborted) throw new RunInterrupted('stopping')
  }

  const commitWithRetry = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await db.transaction(work)
      } catch (error) {
        if (!isConflictOrLockTimeout(error) || attempt === maxConflicts) throw error
      }
    }
  }

  const end = async (status: 'succeeded' | 'failed' | 'cancelled', error: JobError | null, tx: Tx, file?: string) => {
    if (!(await table.end(job.id, lease, { status, error, resultFile: file, keepHours }, tx))) throw loseLease()
  }
  const endUnsuccessfully = (status: 'failed' | 'cancelled', error: JobError | null) =>
    commitWithRetry(async (tx) => {
      await kind.onFailedOrCancelled?.(job, { status, error }, tx)
      await end(status, error, tx)
    })

  let hasCheckpoint = false
  const saveCheckpoint = async (data: Checkpoint, tx: Tx) => {
    const saved = await table.checkpoint(job.id, lease, leaseMs, data, tx)
    if (saved === undefined) throw loseLease()
    return saved
  }
  let cancelReason: JobError | null = null
  /** @throws RunInterrupted if the job is being cancelled */
  const assertNotCancelled = ({ status, error }: { status: JobStatus; error: JobError | null }) => {
    if (status !== 'cancelling') return
    cancelReason = error
    throw new RunInterrupted('cancelled')
  }
  const updateJob = ({ counts, state }: Checkpoint) => {
    hasCheckpoint = true
    Object.assign(job, counts && { counts }, state !== undefined && { state })
  }

  let finished = false
  const context: JobContext = {
    signal,
    step: async (work) => {
      assertMayContinue()
      const [checkpoint, saved] = await commitWithRetry(async (tx) => {
        const checkpoint = await work(tx)
        return [checkpoint, await saveCheckpoint(checkpoint, tx)] as const
      })
      updateJob(checkpoint)
      assertNotCancelled(saved)
      assertMayContinue()
    },
    finish: async (work) => {
      assertMayContinue()
      const checkpoint = await commitWithRetry(async (tx) => {
        const checkpoint = await work(tx)
        await saveCheckpoint(checkpoint, tx)
        await end('succeeded', null, tx, checkpoint.resultFile)
        return checkpoint
      })
      updateJob(checkpoint)
      finished = true
    },
  }

  const handleError = async (error: unknown): Promise<void> => {
    if (leaseLost.signal.aborted) return log.warn('lost the lease of a job; another process runs it')
    if (error instanceof RunInterrupted && error.reason === 'cancelled')
      return endUnsuccessfully('cancelled', cancelReason)
    if (stopping.aborted) return table.release(job.id, lease)
    const reason = toJobError(error)
    if (reason) return endUnsuccessfully('failed', reason)
    log.error({ err: error }, 'job attempt failed')
    // The database is unavailable, so the job cannot be released. It is claimed again after its lease has expired.
    if (isConnectionError(error)) return
    reportError(error)
    const attempts = hasCheckpoint ? 1 : claim.attempts
    if (attempts >= maxAttempts) return endUnsuccessfully('failed', givenUpError)
    return table.release(job.id, lease, { failed: givenUpError, waitMs: retryMs * 2 ** (attempts - 1) })
  }

  try {
    assertNotCancelled(claim)
    if (claim.attempts > maxAttempts) return await endUnsuccessfully('failed', givenUpError)
    await kind.run(job, context)
    if (!finished) await context.finish(async () => ({}))
    log.info({ counts: job.counts }, 'job succeeded')
  } catch (error) {
    await handleError(error).catch((err: unknown) => log.error({ err }, 'releasing a job failed'))
  } finally {
    clearInterval(renewTimer)
  }
}
