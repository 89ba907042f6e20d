import type { JobError, JobStatus } from '@clientele/contracts/job'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { acquireLock } from '@clientele/platform/data/advisory-lock'
import { type Db, newId, type Tx } from '@clientele/platform/data/db'
import type { Checkpoint, ClaimedJob } from './job-kind.ts'

/** `leaseMs` is the duration of a lease; `perUser` is the maximum number of jobs of one user that run at the same time. */
export type ClaimLimits = { leaseMs: number; perUser: number }
/**
 * A claimed job. Its steps commit only while `lease` is still the job's lease. `error` is the reason of a cancellation, or the
 * error of the last attempt.
 */
export type Claim = { job: ClaimedJob; lease: string; attempts: number; status: JobStatus; error: JobError | null }

type NewJob = {
  kind: string
  owner: Pick<Actor, 'id' | 'displayName'>
  input: object
  parent?: string
  /** The checkpoint to start from. */
  counts?: Record<string, number>
  state?: unknown
}

const isUnfinished = `status in ('queued', 'running', 'cancelling')`
const insert = `insert into jobs (id, kind, owner_id, owner_name, input, parent, counts, state) values ($1, $2, $3, $4, $5, $6, $7, $8)`

// A job can be claimed if it is due or its lease has expired, and its owner is below the limit. The limit does not apply to a
// job that is being cancelled, because its run ends at once.
const claimable = `${isUnfinished} and kind = any($1) and coalesce(leased_until, run_at) <= clock_timestamp() and (
  status = 'cancelling' or $2 > (select count(*) from jobs as other
    where other.owner_id = next.owner_id and other.${isUnfinished} and other.leased_until > clock_timestamp()))`
const isAnyClaimable = `select exists (select from jobs as next where ${claimable}) as found`
// Checked when a job is claimed and at each checkpoint, because a job may be added just before the event that its owner lost
// access, or while the event is handled.
const hasLostAccess = `exists (select from user_roles where user_roles.id = jobs.owner_id and not ('user' = any(user_roles.roles)))`
const claim = `update jobs set status = case when status = 'cancelling' or ${hasLostAccess} then 'cancelling' else 'running' end,
  error = case when status <> 'cancelling' and ${hasLostAccess} then $5 else error end, lease = $3,
  leased_until = clock_timestamp() + make_interval(secs => $4), attempts = attempts + 1,
  started_at = coalesce(started_at, clock_timestamp())
where id = (select id from jobs as next where ${claimable} order by id limit 1 for update skip locked)
returning id, kind, owner_id, owner_name, parent, input, state, counts, created_at, attempts, status, error`

const holdsLease = `id = $1 and lease = $2`
const renew = `update jobs set leased_until = clock_timestamp() + make_interval(secs => $3) where ${holdsLease} returning id`
const checkpoint = `update jobs set counts = coalesce($4, counts), state = coalesce($5, state), progress = coalesce($6, progress),
  errors_file = coalesce($7, errors_file), attempts = 0, status = case when ${hasLostAccess} then 'cancelling' else status end,
  error = case when status = 'cancelling' then error when ${hasLostAccess} then $8::jsonb end,
  leased_until = clock_timestamp() + make_interval(secs => $3) where ${holdsLease} returning status, error`
const end = `update jobs set status = $3, error = $4, result_file = coalesce($5, result_file), lease = null, leased_until = null,
  progress = case $3 when 'succeeded' then 1 else progress end,
  finished_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(hours => $6) where ${holdsLease} returning id`
// $3 is subtracted from the attempts: 1 if this attempt does not count, for example because the replica stops.
const release = `update jobs set status = case status when 'cancelling' then status else 'queued' end, lease = null,
  leased_until = null, attempts = greatest(attempts - $3, 0),
  error = case status when 'cancelling' then error else $4 end,
  run_at = clock_timestamp() + make_interval(secs => $5) where ${holdsLease}`
const cancel = (condition: string) => `update jobs set status = 'cancelling', error = $2,
  run_at = least(run_at, clock_timestamp()) where ${condition} and status in ('queued', 'running') returning id`
const cancelOne = cancel('id = $1')
const cancelAllOfOwner = cancel('owner_id = $1')

const ownerLostAccess: JobError = {
  code: 'owner_lost_access',
  message:
    'the owner of the job lost access while it was queued or running; what it had done stays, and an admin can continue or undo it',
}

type ClaimRow = {
  id: string
  kind: string
  owner_id: string
  owner_name: string
  parent: string | null
  input: unknown
  state: unknown
  counts: Record<string, number>
  created_at: Date
  attempts: number
  status: JobStatus
  error: JobError | null
}

const toJson = (value: unknown): string | null => (value === undefined || value === null ? null : JSON.stringify(value))

export type JobTable = ReturnType<typeof createJobTable>

/**
 * Creates access to the table `jobs`. A process that runs a job passes its lease. If another process has taken the job over,
 * nothing is changed.
 */
export const createJobTable = (db: Db) => ({
  /** Queues a job. @returns its id */
  add: async ({ kind, owner, input, parent, counts = {}, state }: NewJob, tx: Tx): Promise<string> => {
    const id = newId()
    const values = [id, kind, owner.id, owner.displayName, toJson(input), parent ?? null, toJson(counts), toJson(state)]
    await db.query(insert, values, { tx })
    return id
  },

  /** Whether there is a job to claim. */
  hasClaimable: async (kinds: string[], { perUser }: ClaimLimits): Promise<boolean> =>
    (await db.query<{ found: boolean }>(isAnyClaimable, [kinds, perUser], { name: 'jobs_waiting' }))[0]?.found === true,

  /** Claims the oldest job. A lock serialises claims, so that no user exceeds the limit. */
  claim: (kinds: string[], { leaseMs, perUser }: ClaimLimits): Promise<Claim | undefined> =>
    db.transaction(async (tx) => {
      await acquireLock(db, tx, 'jobs')
      const lease = newId()
      const values = [kinds, perUser, lease, leaseMs / 1000, toJson(ownerLostAccess)]
      const [row] = await db.query<ClaimRow>(claim, values, { tx })
      if (!row) return undefined
      const { owner_id, owner_name, created_at, attempts, status, error, ...job } = row
      const owner = { id: owner_id, displayName: owner_name }
      return { job: { ...job, owner, createdAt: created_at }, lease, attempts, status, error }
    }),

  /** Renews the lease. @returns false if it is lost */
  renew: async (id: string, lease: string, leaseMs: number): Promise<boolean> =>
    (await db.query(renew, [id, lease, leaseMs / 1000], { name: 'jobs_renew' })).length > 0,

  /**
   * Saves a checkpoint and renews the lease.
   * @returns the job's status, and the reason if it is being cancelled; undefined if the lease is lost, and `tx` must be rolled
   * back
   */
  checkpoint: async (id: string, lease: string, leaseMs: number, data: Checkpoint, tx: Tx) => {
    const { counts, state, progress, errorsFile } = data
    const saved = [toJson(counts), toJson(state), progress ?? null, errorsFile ?? null]
    const values = [id, lease, leaseMs / 1000, ...saved, toJson(ownerLostAccess)]
    const sql = { tx, name: 'jobs_checkpoint' }
    return (await db.query<{ status: JobStatus; error: JobError | null }>(checkpoint, values, sql))[0]
  },

  /** Ends the job. @returns false if the lease is lost, and `tx` must be rolled back */
  end: async (
    id: string,
    lease: string,
    outcome: { status: JobStatus; error?: JobError | null; resultFile?: string | undefined; keepHours: number },
    tx: Tx,
  ): Promise<boolean> => {
    const values = [id, lease, outcome.status, toJson(outcome.error), outcome.resultFile ?? null, outcome.keepHours]
    return (await db.query(end, values, { tx })).length > 0
  },

  /** Returns the job to the queue, to be claimed after `waitMs`. The attempt counts only with the error `failed`. */
  release: async (id: string, lease: string, { failed, waitMs = 0 }: { failed?: JobError; waitMs?: number } = {}) => {
    await db.query(release, [id, lease, failed ? 0 : 1, toJson(failed), waitMs / 1000])
  },

  /** Returns the last checkpoint of a job, so that another job can continue from it. */
  getCheckpoint: async (id: string, tx: Tx): Promise<{ counts: Record<string, number>; state: unknown } | undefined> =>
    (
      await db.query<{ counts: Record<string, number>; state: unknown }>(
        'select counts, state from jobs where id = $1',
        [id],
        { tx },
      )
    )[0],

  /** Cancels the job after its current step. @returns false if it has ended or is already being cancelled */
  cancel: async (id: string, tx?: Tx): Promise<boolean> => (await db.query(cancelOne, [id, null], { tx })).length > 0,

  /** Cancels all jobs of a user who has lost access, each after its current step. */
  cancelAllOfOwner: async (owner: string, tx: Tx): Promise<void> => {
    await db.query(cancelAllOfOwner, [owner, toJson(ownerLostAccess)], { tx })
  },
})
