import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'

const slice = 20

// A file of many chunks takes a while to remove: few at a time, so that no statement runs into its limit.
const oldJobs = `delete from jobs where id in
  (select id from jobs where expires_at < clock_timestamp() and parent is null limit 500) returning id`
const oldFiles = `delete from job_files where id in
  (select id from job_files where expires_at < clock_timestamp() limit ${slice}) returning id`

/** Removes jobs and files that have had their time, and what was left of uploads that broke off. */
export const sweepJobs = async (db: Db, signal: AbortSignal): Promise<void> => {
  for (const sql of [oldJobs, oldFiles]) {
    let gone: number
    do gone = (await db.query(sql)).length
    while (gone > 0 && !signal.aborted)
  }
}

export const jobSweep = (db: Db, log: Log): Task =>
  every({ name: 'jobs-sweep', intervalMs: 600_000, log, run: (signal) => sweepJobs(db, signal) })
