import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'

const changesPerStatement = 5_000
const deleteChanges = `delete from import_changes where import_id = $1 and subject in
  (select subject from import_changes where import_id = $1 limit ${changesPerStatement}) returning subject`
const selectExpired = `select id from import_overview where expires_at < clock_timestamp()
  and status not in ('checking', 'importing', 'undoing') limit 20`

/** Deletes an import with its recorded changes, its file and its jobs. Imported resources stay. */
export const removeImport = async (db: Db, id: string): Promise<void> => {
  // Deletes in portions, because an import of a million rows has a million recorded changes.
  while ((await db.query(deleteChanges, [id])).length === changesPerStatement);
  await db.transaction(async (tx) => {
    const [deleted] = await db.query<{ fileId: string | null }>(
      `delete from imports where id = $1 returning file_id as "fileId"`,
      [id],
      { tx },
    )
    const jobs = await db.query<{ file: string | null }>(
      'delete from jobs where parent = $1 returning errors_file as file',
      [id],
      { tx },
    )
    const files = [deleted?.fileId, ...jobs.map(({ file }) => file)].filter((file) => typeof file === 'string')
    await db.query('delete from job_files where id = any($1::uuid[])', [files], { tx })
  })
}

/** Deletes expired imports. */
export const cleanUpImports = async (db: Db, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    const expired = await db.query<{ id: string }>(selectExpired)
    for (const { id } of expired) await removeImport(db, id)
    if (expired.length === 0) return
  }
}

/** Creates the task that calls {@link cleanUpImports} every 10 minutes. */
export const importCleanupTask = (db: Db, log: Log): Task =>
  periodicTask({ name: 'import-cleanup', intervalMs: 600_000, log, run: (signal) => cleanUpImports(db, signal) })
