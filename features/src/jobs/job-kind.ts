import type { ActorRef } from '@clientele/contracts/fields'
import type { JobError } from '@clientele/contracts/job'
import type { Tx } from '@clientele/platform/data/db'

/** How much of each kind of thing a job has done. */
export type JobCounts = Record<string, number>

/** A job that this process has the lease of. `state` is what the last step left, null at the very beginning. */
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

/** What a step leaves: the whole of each part that it names; the others stay. `progress` is from 0 to 1. */
export type Checkpoint = { counts?: JobCounts; state?: unknown; progress?: number; errorsFile?: string }

/** How a kind of job does its work, piece by piece. */
export type JobContext = {
  /**
   * One piece: what `work` writes, the counts and the checkpoint commit together, and only while this process has the lease. After
   * a deadlock `work` runs again, so it changes nothing but the database.
   * @throws what ends the run (cancelled, stopping, lease lost): let it through
   */
  step(work: (tx: Tx) => Promise<Checkpoint>): Promise<void>
  /** The last step; with it the job has succeeded. */
  finish(work: (tx: Tx) => Promise<Checkpoint & { resultFile?: string }>): Promise<void>
  /** Aborts where the run has to end soon: the replica stops or the lease is lost. For long reading between steps. */
  signal: AbortSignal
}

/** How a job ended that did not succeed. */
export type JobOutcome = { status: 'failed' | 'cancelled'; error: JobError | null }

/** A kind of job. It runs in the service's job process, on any replica, from the last checkpoint. */
export type JobKind = {
  kind: string
  run(job: ClaimedJob, context: JobContext): Promise<void>
  /** In the transaction that ends a job without success. */
  ended?(job: ClaimedJob, outcome: JobOutcome, tx: Tx): Promise<void>
}

/** Thrown by a kind to fail its job at once; anything else that is thrown is tried again from the last checkpoint. */
export class JobFailure extends Error {
  override name = 'JobFailure'
  readonly code: string

  /** @param message for the person who waits */
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Ends a run between two steps; no kind catches it. */
export class RunEnded extends Error {
  override name = 'RunEnded'
  readonly why: 'cancelled' | 'stopping' | 'lease lost'

  constructor(why: RunEnded['why']) {
    super(`the run ends: ${why}`)
    this.why = why
  }
}
