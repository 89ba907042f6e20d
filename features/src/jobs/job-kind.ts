import type { ActorRef } from '@clientele/contracts/fields'
import type { JobError } from '@clientele/contracts/job'
import type { Tx } from '@clientele/platform/data/db'

/** Counters of a job, for example `{ read: 1200, created: 1000 }`. */
export type JobCounts = Record<string, number>

/**
 * A job whose lease this process holds. `state` and `counts` are those of the last checkpoint; `state` is null before the first
 * one. `parent` is the id of the import that the job belongs to.
 */
export type ClaimedJob<Input = unknown, State = unknown> = {
  id: string
  kind: string
  owner: ActorRef
  parent: string | null
  input: Input
  state: State | null
  counts: JobCounts
  createdAt: Date
}

/**
 * The data that a step saves. Each property replaces the saved one; absent properties stay as they are. `state` is JSON of the job
 * kind's choice, from which the next step continues. `progress` is from 0 to 1. `errorsFile` is the id of a file.
 */
export type Checkpoint = { counts?: JobCounts; state?: unknown; progress?: number; errorsFile?: string }

/** The functions with which a job does its work in steps. */
export type JobContext = {
  /**
   * Runs one step in a transaction. Its writes and its checkpoint commit together, and only while this process holds the lease.
   * `work` is repeated after a deadlock, so it must have no side effects outside the database.
   * @throws RunInterrupted if the run has to end; do not catch it
   */
  step(work: (tx: Tx) => Promise<Checkpoint>): Promise<void>
  /** Runs the last step; its commit marks the job as succeeded. */
  finish(work: (tx: Tx) => Promise<Checkpoint & { resultFile?: string }>): Promise<void>
  /** Aborts when the replica stops or the lease is lost. Pass it to long work between steps. */
  signal: AbortSignal
}

/** The outcome of a job that has not succeeded. */
export type JobOutcome = { status: 'failed' | 'cancelled'; error: JobError | null }

/** A kind of job. It runs in the worker process of any replica and continues from the last checkpoint. */
export type JobKind = {
  kind: string
  run(job: ClaimedJob, context: JobContext): Promise<void>
  /** Called in the transaction that marks a job as failed or cancelled. */
  onFailedOrCancelled?(job: ClaimedJob, outcome: JobOutcome, tx: Tx): Promise<void>
}

/** If a job throws it, the job fails at once. After any other error the job is retried from its last checkpoint. */
export class JobFailure extends Error {
  override name = 'JobFailure'
  readonly code: string

  /** @param message shown to the user */
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Thrown to end a run between two steps. Job kinds must not catch it. */
export class RunInterrupted extends Error {
  override name = 'RunInterrupted'
  readonly reason: 'cancelled' | 'stopping' | 'lease lost'

  constructor(reason: RunInterrupted['reason']) {
    super(`the run ends: ${reason}`)
    this.reason = reason
  }
}
