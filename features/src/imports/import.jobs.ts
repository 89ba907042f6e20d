import { type ImportCounts, importFinished } from '@clientele/contracts/import'
import type { JobError } from '@clientele/contracts/job'
import type { Db, Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { createJobFiles } from '../jobs/job-files.ts'
import { type Checkpoint, type ClaimedJob, JobFailure, type JobKind } from '../jobs/job-kind.ts'
import {
  actorOf,
  type Batch,
  checkedRows,
  countsOf,
  type ImportState,
  newErrors,
  progressOf,
  tally,
} from './checked-rows.ts'
import { createErrorFile, firstErrors } from './error-file.ts'
import type { ImportConfig } from './import.config.ts'
import type { ImportRow } from './import.list.ts'
import { createImportTable } from './import.store.ts'
import { type AnyTarget, noCounts, type RowResult } from './import-target.ts'
import { createKeySet, type KeySet } from './key-set.ts'
import { undoKind } from './undo.jobs.ts'

type Options = { db: Db; target: AnyTarget; config: Pick<ImportConfig, 'jobKeepHours' | 'importMaxRows'> }

/** The kinds of jobs that imports of a resource are made of. */
export const importKinds = ({ db, target, config }: Options): JobKind[] => {
  const files = createJobFiles(db)
  const table = createImportTable(db)
  const { jobKeepHours: keepHours, importMaxRows } = config

  const importOf = async (job: ClaimedJob): Promise<ImportRow> => {
    const row = await table.get(job.parent ?? '')
    if (!row) throw new JobFailure('import_gone', 'the import was removed')
    return row
  }
  const errorFileOf = ({ format, columns }: ImportRow) => createErrorFile(files, { format, columns, keepHours })

  /** Writes down what became of a batch, and where the next one begins. */
  const take = async (
    row: ImportRow,
    batch: Batch,
    results: readonly RowResult[],
    before: { counts: ImportCounts; state: ImportState },
    tx: Tx,
  ): Promise<Checkpoint & { counts: ImportCounts; state: ImportState }> => {
    const { counts, refused } = tally(before.counts, batch, results)
    if (counts.read > importMaxRows)
      throw new JobFailure('too_many_rows', `the file has more than ${importMaxRows} rows`)
    const errors = await errorFileOf(row).append(refused, before.state.errors, tx)
    const shown = newErrors(refused, before.state.shown, firstErrors)
    await table.addErrors(row.id, shown, tx)
    const state = { from: batch.end, errors, shown: before.state.shown + shown.length }
    return { counts, state, progress: progressOf(batch.end, row), ...(errors && { errorsFile: errors.file }) }
  }
  const seal = async (row: ImportRow, state: ImportState | null, tx: Tx): Promise<void> => {
    if (state?.errors) await errorFileOf(row).seal(state.errors, tx)
  }
  const announce = async (
    row: ImportRow,
    job: ClaimedJob,
    end: { status: 'finished' | 'failed' | 'cancelled'; error: JobError | null; counts: ImportCounts },
    tx: Tx,
  ): Promise<void> => {
    const createdBy = { id: row.createdBy, displayName: row.createdByName }
    const about = { id: row.id, entity: row.entity, createdAt: row.createdAt.toISOString(), createdBy, version: 1 }
    await outbox.add(tx, importFinished.of({ ...about, ...end }, job.owner))
  }

  // What earlier rows would have made is known only to the process that saw them: a dry run begins anew after a kill.
  const check: JobKind = {
    kind: 'import.check',
    run: async (job, { step, finish }) => {
      const row = await importOf(job)
      const seen = new Map<string, KeySet>(target.matchBy.map((key) => [key, createKeySet()]))
      let left: { counts: ImportCounts; state: ImportState } = { counts: noCounts(), state: { shown: 0 } }
      await step(async (tx) => {
        await table.clearErrors(row.id, tx)
        return left
      })
      for await (const batch of checkedRows(files, row, target, undefined)) {
        const results = await target.foresee(batch.inputs, row, seen)
        const before = left
        await step(async (tx) => {
          left = await take(row, batch, results, before, tx)
          return left
        })
      }
      await finish(async (tx) => {
        await seal(row, left.state, tx)
        await table.setTotal(row.id, left.counts.read, tx)
        return left
      })
    },
    ended: async (job, _outcome, tx) => {
      const row = await table.get(job.parent ?? '', tx)
      if (row) await seal(row, job.state as ImportState | null, tx)
    },
  }

  const commit: JobKind = {
    kind: 'import',
    run: async (job, { step, finish }) => {
      const row = await importOf(job)
      const actor = actorOf(job)
      let left = {
        counts: countsOf(job.counts),
        state: (job.state as ImportState | null) ?? ({ shown: 0 } as ImportState),
      }
      if (job.state === null)
        await step(async (tx) => {
          await table.clearErrors(row.id, tx)
          return left
        })
      for await (const batch of checkedRows(files, row, target, left.state.from)) {
        const before = left
        await step(async (tx) => {
          // What a crash of the database takes away with the checkpoint is done again; the last step waits for the disk.
          await db.query('set local synchronous_commit = off', [], { tx })
          const { results, changes } = await target.apply(batch.inputs, row, actor, tx)
          await table.record(row.id, changes, tx)
          left = await take(row, batch, results, before, tx)
          return left
        })
      }
      await finish(async (tx) => {
        await verify(row, left, tx)
        await seal(row, left.state, tx)
        await announce(row, job, { status: 'finished', error: null, counts: left.counts }, tx)
        return left
      })
    },
    ended: async (job, { status, error }, tx) => {
      const row = await table.get(job.parent ?? '', tx)
      if (!row) return
      await seal(row, job.state as ImportState | null, tx)
      await announce(row, job, { status, error, counts: countsOf(job.counts) }, tx)
    },
  }

  /** What was counted has to be what was written, row by row. */
  const verify = async (
    row: ImportRow,
    { counts, state }: { counts: ImportCounts; state: ImportState },
    tx: Tx,
  ): Promise<void> => {
    const { read, created, updated, skipped, failed } = counts
    const recorded = await table.recorded(row.id, tx)
    const agrees =
      read === created + updated + skipped + failed &&
      read === row.total &&
      created === recorded.created &&
      updated === recorded.updated &&
      failed === (state.errors?.rows ?? 0)
    if (agrees) return
    const told = `counted ${JSON.stringify(counts)} of ${row.total}, recorded ${JSON.stringify(recorded)} and ${state.errors?.rows ?? 0} failed`
    throw new JobFailure('totals_differ', `the totals do not add up: ${told}`)
  }

  return [check, commit, undoKind({ db, target, table, files, keepHours })]
}
