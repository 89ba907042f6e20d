import type { ImportChange } from '@clientele/features/imports/import-target'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'

/** A customer that a job has changed: its new version, and the former values of the changed fields. */
export type ChangedCustomer = { subject: string; version: number; previous: Record<string, unknown> }

const insertChanges = `insert into bulk_changed_customers (job_id, subject, version, previous)
select $1, subject, version, previous from json_to_recordset($2) as change (subject uuid, version integer, previous jsonb)`
const selectNext = `select subject, false as created, version - 1 as base, version, 1 as edits, previous from bulk_changed_customers
where job_id = $1 and undone is null and ($2::uuid is null or subject > $2) order by subject limit $3 for update`
const setUndone = `update bulk_changed_customers set undone = outcome from unnest($2::uuid[], $3::text[]) as done (subject, outcome)
where job_id = $1 and bulk_changed_customers.subject = done.subject`
const reopenKept = `update bulk_changed_customers set undone = null where job_id = $1 and subject in
  (select subject from bulk_changed_customers where job_id = $1 and undone = 'kept' limit $2) returning subject`

export type BulkStore = ReturnType<typeof createBulkStore>

/** Creates access to the tables of bulk changes. */
export const createBulkStore = (db: Db) => ({
  add: async (id: string, tx: Tx): Promise<void> => {
    await db.query('insert into bulk_changes (id) values ($1)', [id], { tx })
  },

  /** Locks a bulk change and returns the job that undoes it; undefined if it is unknown or has expired. */
  lock: async (id: string, tx: Tx): Promise<{ undoStatus: string | null } | undefined> => {
    const [row] = await db.query<{ undoJob: string | null }>(
      'select undo_job as "undoJob" from bulk_changes where id = $1 for update',
      [id],
      { tx },
    )
    if (!row) return undefined
    const [job] = await db.query<{ status: string }>('select status from jobs where id = $1', [row.undoJob], { tx })
    return { undoStatus: job?.status ?? null }
  },

  setUndoJob: async (id: string, undoJob: string, tx: Tx): Promise<void> => {
    await db.query('update bulk_changes set undo_job = $2 where id = $1', [id, undoJob], { tx })
  },

  record: async (id: string, changes: readonly ChangedCustomer[], tx: Tx): Promise<void> => {
    if (changes.length > 0) await db.query(insertChanges, [id, JSON.stringify(changes)], { tx })
  },

  /** The next changes to undo, by id after `after`. No customer was created (`created`) by a bulk change. */
  nextChanges: async (
    id: string,
    created: boolean | null,
    after: string | null,
    limit: number,
    tx: Tx,
  ): Promise<ImportChange[]> => (created ? [] : db.query<ImportChange>(selectNext, [id, after, limit], { tx })),

  setUndone: async (id: string, undone: readonly { subject: string; outcome: string }[], tx: Tx): Promise<void> => {
    const values = [id, undone.map(({ subject }) => subject), undone.map(({ outcome }) => outcome)]
    await db.query(setUndone, values, { tx })
  },

  /** Whether an undo has kept customers. */
  hasKept: async (id: string, tx: Tx): Promise<boolean> => {
    const sql = `select from bulk_changed_customers where job_id = $1 and undone = 'kept' limit 1`
    return (await db.query(sql, [id], { tx })).length > 0
  },

  /** Lets `nextChanges` return up to `limit` changes again that an undo has kept. @returns their number */
  reopenKept: async (id: string, limit: number, tx: Tx): Promise<number> =>
    (await db.query(reopenKept, [id, limit], { tx })).length,
})

const rowsPerStatement = 5_000
// A bulk change can be undone as long as its job is kept.
const selectExpired = `select id from bulk_changes where not exists (select from jobs where jobs.id = bulk_changes.id)
  and not exists (select from jobs where jobs.id = undo_job and status in ('queued', 'running', 'cancelling')) limit 20`
const deleteRows = `delete from bulk_changed_customers where job_id = $1 and subject in
  (select subject from bulk_changed_customers where job_id = $1 limit ${rowsPerStatement}) returning subject`

/** Deletes the records of bulk changes whose jobs have expired or were deleted. */
export const cleanUpBulkChanges = async (db: Db, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    const expired = await db.query<{ id: string }>(selectExpired)
    for (const { id } of expired) {
      while ((await db.query(deleteRows, [id])).length === rowsPerStatement && !signal.aborted);
      if (!signal.aborted) await db.query('delete from bulk_changes where id = $1', [id])
    }
    if (expired.length === 0) return
  }
}

/** Creates the task that calls {@link cleanUpBulkChanges} every 10 minutes. */
export const bulkCleanupTask = (db: Db, log: Log): Task =>
  periodicTask({ name: 'bulk-cleanup', intervalMs: 600_000, log, run: (signal) => cleanUpBulkChanges(db, signal) })
