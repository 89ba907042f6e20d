import type { JobError, JobStatus } from '@clientele/contracts/job'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { type Db, newId, type Tx } from '@clientele/platform/data/db'
import type { Checkpoint, ClaimedJob } from './job-kind.ts'

/** Limits of claiming, times in milliseconds. */
export type Leasing = { leaseMs: number; perUser: number }
/** A claimed job with the lease that its steps commit under. */
export type Claim = { job: ClaimedJob; lease: string; attempts: number; status: JobStatus; error: JobError | null }

type NewJob = {
  kind: string
  owner: Pick<Actor, 'id' | 'displayName'>
  input: object
  parent?: string
  /** What it goes on from. */
  counts?: Record<string, number>
  state?: unknown
}

const open = `status in ('queued', 'running', 'cancelling')`
const insert = `insert into jobs (id, kind, owner_id, owner_name, input, parent, counts, state) values ($1, $2, $3, $4, $5, $6, $7, $8)`

// Waiting or abandoned, and its owner has not too many at work: one to be cancelled takes no place.
const claimable = `${open} and kind = any($1) and coalesce(leased_until, run_at) <= clock_timestamp() and (
  status = 'cancelling' or $2 > (select count(*) from jobs as other
    where other.owner_id = next.owner_id and other.${open} and other.leased_until > clock_timestamp()))`
const isWaiting = `select exists (select from jobs as next where ${claimable}) as found`
const lock = `select pg_advisory_xact_lock(hashtext('jobs ' || current_schema()), 0)`
const claim = `update jobs set status = case status when 'cancelling' then status else 'running' end, lease = $3,
  leased_until = clock_timestamp() + make_interval(secs => $4), attempts = attempts + 1,
  started_at = coalesce(started_at, clock_timestamp())
where id = (select id from jobs as next where ${claimable} order by id limit 1 for update skip locked)
returning id, kind, owner_id, owner_name, parent, input, state, counts, created_at, attempts, status, error`

const held = `id = $1 and lease = $2`
const renew = `update jobs set leased_until = clock_timestamp() + make_interval(secs => $3) where ${held} returning id`
const checkpoint = `update jobs set counts = coalesce($4, counts), state = coalesce($5, state), progress = coalesce($6, progress),
  errors_file = coalesce($7, errors_file), attempts = 0, error = null,
  leased_until = clock_timestamp() + make_interval(secs => $3) where ${held} returning status`
const end = `update jobs set status = $3, error = $4, result_file = coalesce($5, result_file), lease = null, leased_until = null,
  progress = case $3 when 'succeeded' then 1 else progress end,
  finished_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(hours => $6) where ${held} returning id`
// One that stops in good order has not failed.
const giveBack = `update jobs set status = case status when 'cancelling' then status else 'queued' end, lease = null,
  leased_until = null, attempts = greatest(attempts - $3, 0), error = $4,
  run_at = clock_timestamp() + make_interval(secs => $5) where ${held}`
const cancel = `update jobs set status = 'cancelling', run_at = least(run_at, clock_timestamp())
  where id = $1 and status in ('queued', 'running') returning id`

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

const json = (value: unknown): string | null => (value === undefined || value === null ? null : JSON.stringify(value))

export type JobTable = ReturnType<typeof createJobTable>

/** The table `jobs`. What runs a job names its lease; a lease that another process took over changes nothing any more. */
export const createJobTable = (db: Db) => ({
  add: async ({ kind, owner, input, parent, counts = {}, state }: NewJob, tx: Tx): Promise<string> => {
    const id = newId()
    const values = [id, kind, owner.id, owner.displayName, json(input), parent ?? null, json(counts), json(state)]
    await db.query(insert, values, { tx })
    return id
  },

  isWaiting: async (kinds: string[], { perUser }: Leasing): Promise<boolean> =>
    (await db.query<{ found: boolean }>(isWaiting, [kinds, perUser], { name: 'jobs_waiting' }))[0]?.found === true,

  /** Claims are made one after the other, so that no user gets more places than are allowed. */
  claim: (kinds: string[], { leaseMs, perUser }: Leasing): Promise<Claim | undefined> =>
    db.transaction(async (tx) => {
      await db.query(lock, [], { tx })
      const lease = newId()
      const [row] = await db.query<ClaimRow>(claim, [kinds, perUser, lease, leaseMs / 1000], { tx })
      if (!row) return undefined
      const { owner_id, owner_name, created_at, attempts, status, error, ...job } = row
      const owner = { id: owner_id, displayName: owner_name }
      return { job: { ...job, owner, createdAt: created_at }, lease, attempts, status, error }
    }),

  /** @returns whether the lease is still held */
  renew: async (id: string, lease: string, leaseMs: number): Promise<boolean> =>
    (await db.query(renew, [id, lease, leaseMs / 1000], { name: 'jobs_renew' })).length > 0,

  /** @returns the job's status; undefined where the lease is lost, and the transaction must not commit */
  checkpoint: async (id: string, lease: string, leaseMs: number, left: Checkpoint, tx: Tx) => {
    const { counts, state, progress, errorsFile } = left
    const values = [id, lease, leaseMs / 1000, json(counts), json(state), progress ?? null, errorsFile ?? null]
    return (await db.query<{ status: JobStatus }>(checkpoint, values, { tx, name: 'jobs_checkpoint' }))[0]?.status
  },

  /** @returns false where the lease is lost, and the transaction must not commit */
  end: async (
    id: string,
    lease: string,
    how: { status: JobStatus; error?: JobError | null; resultFile?: string | undefined; keepHours: number },
    tx: Tx,
  ): Promise<boolean> => {
    const values = [id, lease, how.status, json(how.error), how.resultFile ?? null, how.keepHours]
    return (await db.query(end, values, { tx })).length > 0
  },

  /** Back to the others, in `waitMs`. `failed` says why; without it, the attempt does not count. */
  giveBack: async (id: string, lease: string, { failed, waitMs = 0 }: { failed?: JobError; waitMs?: number } = {}) => {
    await db.query(giveBack, [id, lease, failed ? 0 : 1, json(failed), waitMs / 1000])
  },

  /** Where a job that has ended was. */
  checkpointOf: async (id: string, tx: Tx): Promise<{ counts: Record<string, number>; state: unknown } | undefined> =>
    (
      await db.query<{ counts: Record<string, number>; state: unknown }>(
        'select counts, state from jobs where id = $1',
        [id],
        { tx },
      )
    )[0],

  /** Asks for the end after the present step. @returns false where it has ended already or is ending */
  cancel: async (id: string, tx?: Tx): Promise<boolean> => (await db.query(cancel, [id], { tx })).length > 0,
})
