import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'

// A file with many chunks takes long to delete. With more files, a statement could exceed the statement timeout.
const filesPerStatement = 20

const deleteExpiredJobs = `delete from jobs where id in
  (select id from jobs where expires_at < clock_timestamp() and parent is null limit 500) returning id`
const deleteExpiredLinks = `delete from job_links where token_hash in
  (select token_hash from job_links where expires_at < clock_timestamp() limit 500) returning job_id`
const deleteExpiredFiles = `delete from job_files where id in
  (select id from job_files where expires_at < clock_timestamp() limit ${filesPerStatement}) returning id`

/** Deletes expired jobs, links and files, including those of uploads that were never completed. */
export const cleanUpJobs = async (db: Db, signal: AbortSignal): Promise<void> => {
  for (const sql of [deleteExpiredLinks, deleteExpiredJobs, deleteExpiredFiles]) {
    let deleted: number
    do deleted = (await db.query(sql)).length
    while (deleted > 0 && !signal.aborted)
  }
}

/** Creates the task that calls {@link cleanUpJobs} every 10 minutes. */
export const jobCleanupTask = (db: Db, log: Log): Task =>
  periodicTask({ name: 'job-cleanup', intervalMs: 600_000, log, run: (signal) => cleanUpJobs(db, signal) })
