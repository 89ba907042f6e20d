import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'

const slice = 5_000
const forgetChanges = `delete from import_changes where import_id = $1 and subject in
  (select subject from import_changes where import_id = $1 limit ${slice}) returning subject`
const expired = `select id from import_overview where expires_at < clock_timestamp()
  and status not in ('checking', 'importing', 'undoing') limit 20`

/** Removes an import with what it remembers, its file and its jobs; what it has imported stays. */
export const removeImport = async (db: Db, id: string): Promise<void> => {
  // In pieces: an import of a million rows remembers as many.
  while ((await db.query(forgetChanges, [id])).length === slice);
  await db.transaction(async (tx) => {
    const [gone] = await db.query<{ fileId: string | null }>(
      `delete from imports where id = $1 returning file_id as "fileId"`,
      [id],
      { tx },
    )
    const jobs = await db.query<{ file: string | null }>(
      'delete from jobs where parent = $1 returning errors_file as file',
      [id],
      { tx },
    )
    const files = [gone?.fileId, ...jobs.map(({ file }) => file)].filter((file) => typeof file === 'string')
    await db.query('delete from job_files where id = any($1::uuid[])', [files], { tx })
  })
}

/** Removes imports that have had their time. */
export const sweepImports = async (db: Db, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    const old = await db.query<{ id: string }>(expired)
    for (const { id } of old) await removeImport(db, id)
    if (old.length === 0) return
  }
}

export const importSweep = (db: Db, log: Log): Task =>
  every({ name: 'imports-sweep', intervalMs: 600_000, log, run: (signal) => sweepImports(db, signal) })
