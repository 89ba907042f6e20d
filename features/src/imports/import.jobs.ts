import { type ImportCounts, importFinished } from '@clientele/contracts/imports/import'
import type { JobError } from '@clientele/contracts/job'
import type { Db, Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { createJobFiles } from '../jobs/job-files.ts'
import { type Checkpoint, type ClaimedJob, JobFailure, type JobKind } from '../jobs/job-kind.ts'
import {
  actorOf,
  type Batch,
  countResults,
  countsOf,
  errorsToShow,
  type ImportState,
  progressOf,
  readCheckedRows,
} from './checked-rows.ts'
import { createErrorFile, maxShownErrors } from './error-file.ts'
import type { ImportConfig } from './import.config.ts'
import type { ImportRow } from './import.list.ts'
import { createImportTable } from './import.store.ts'
import { type AnyTarget, type RowResult, zeroCounts } from './import-target.ts'
import { createKeySet, type KeySet } from './key-set.ts'
import { createUndoJobKind } from './undo.jobs.ts'

type Options = { db: Db; target: AnyTarget; config: Pick<ImportConfig, 'jobKeepHours' | 'importMaxRows'> }

/** Creates the job kinds of imports: dry run (`import.check`), commit (`import`) and undo (`import.undo`). */
export const createImportJobKinds = ({ db, target, config }: Options): JobKind[] => {
  const files = createJobFiles(db)
  const table = createImportTable(db)
  const { jobKeepHours: keepHours, importMaxRows } = config

  const getImport = async (job: ClaimedJob): Promise<ImportRow> => {
    const row = await table.get(job.parent ?? '')
    if (!row) throw new JobFailure('import_gone', 'the import was deleted')
    return row
  }
  const errorFileOf = ({ createdBy: ownerId, format, columns, mapping }: ImportRow) =>
    createErrorFile(files, { ownerId, format, columns, mapping, keepHours })

  /** Records the results of a batch. @returns the checkpoint, from which the next batch begins */
  const recordBatch = async (
    row: ImportRow,
    batch: Batch,
    results: readonly RowResult[],
    before: { counts: ImportCounts; state: ImportState },
    tx: Tx,
  ): Promise<Checkpoint & { counts: ImportCounts; state: ImportState }> => {
    const { counts, failed } = countResults(before.counts, batch, results)
    if (counts.read > importMaxRows)
      throw new JobFailure('too_many_rows', `the file has more than ${importMaxRows} rows`)
    const errors = await errorFileOf(row).append(failed, before.state.errors, tx)
    const shown = errorsToShow(failed, row.mapping, before.state.shown, maxShownErrors)
    await table.addErrors(row.id, shown, tx)
    const state = { from: batch.end, errors, shown: before.state.shown + shown.length }
    return { counts, state, progress: progressOf(batch.end, row), ...(errors && { errorsFile: errors.file }) }
  }
  const completeErrorFile = async (row: ImportRow, state: ImportState | null, tx: Tx): Promise<void> => {
    if (state?.errors) await errorFileOf(row).complete(state.errors, tx)
  }
  const publishFinished = async (
    row: ImportRow,
    job: ClaimedJob,
    end: { status: 'finished' | 'failed' | 'cancelled'; error: JobError | null; counts: ImportCounts },
    tx: Tx,
  ): Promise<void> => {
    const createdBy = { id: row.createdBy, displayName: row.createdByName }
    const base = { id: row.id, entity: row.entity, createdAt: row.createdAt.toISOString(), createdBy, version: 1 }
    await outbox.add(tx, importFinished.of({ ...base, ...end }, job.owner))
  }

  // A dry run starts over after a crash, because the keys that earlier rows would create are only in memory.
  const check: JobKind = {
    kind: 'import.check',
    run: async (job, { step, finish }) => {
      const row = await getImport(job)
      const seen = new Map<string, KeySet>(target.matchBy.map((key) => [key, createKeySet()]))
      let checkpoint: { counts: ImportCounts; state: ImportState } = { counts: zeroCounts(), state: { shown: 0 } }
      await step(async (tx) => {
        await table.clearErrors(row.id, tx)
        return checkpoint
      })
      for await (const batch of readCheckedRows(files, row, target, undefined)) {
        const results = await target.preview(batch.inputs, row, seen)
        const before = checkpoint
        await step(async (tx) => {
          checkpoint = await recordBatch(row, batch, results, before, tx)
          return checkpoint
        })
      }
      await finish(async (tx) => {
        await completeErrorFile(row, checkpoint.state, tx)
        await table.setTotal(row.id, checkpoint.counts.read, tx)
        return checkpoint
      })
    },
    onFailedOrCancelled: async (job, _outcome, tx) => {
      const row = await table.get(job.parent ?? '', tx)
      if (row) await completeErrorFile(row, job.state as ImportState | null, tx)
    },
  }

  const commit: JobKind = {
    kind: 'import',
    run: async (job, { step, finish }) => {
      const row = await getImport(job)
      const actor = actorOf(job)
      let checkpoint = {
        counts: countsOf(job.counts),
        state: (job.state as ImportState | null) ?? ({ shown: 0 } as ImportState),
      }
      if (job.state === null)
        await step(async (tx) => {
          await table.clearErrors(row.id, tx)
          return checkpoint
        })
      for await (const batch of readCheckedRows(files, row, target, checkpoint.state.from)) {
        const before = checkpoint
        await step(async (tx) => {
          // A crash of PostgreSQL may lose this batch, but only together with its checkpoint, so the batch is repeated. The
          // last step waits for the disk.
          await db.query('set local synchronous_commit = off', [], { tx })
          const { results, changes } = await target.apply(batch.inputs, row, actor, tx)
          await table.recordChanges(row.id, changes, tx)
          checkpoint = await recordBatch(row, batch, results, before, tx)
          return checkpoint
        })
      }
      await finish(async (tx) => {
        await verifyTotals(row, checkpoint, tx)
        await completeErrorFile(row, checkpoint.state, tx)
        await publishFinished(row, job, { status: 'finished', error: null, counts: checkpoint.counts }, tx)
        return checkpoint
      })
    },
    onFailedOrCancelled: async (job, { status, error }, tx) => {
      const row = await table.get(job.parent ?? '', tx)
      if (!row) return
      await completeErrorFile(row, job.state as ImportState | null, tx)
      await publishFinished(row, job, { status, error, counts: countsOf(job.counts) }, tx)
    },
  }

  /** Fails the job if the counts differ from the changes that were recorded. */
  const verifyTotals = async (
    row: ImportRow,
    { counts, state }: { counts: ImportCounts; state: ImportState },
    tx: Tx,
  ): Promise<void> => {
    const { read, created, updated, skipped, failed } = counts
    const recorded = await table.sumChanges(row.id, tx)
    const agrees =
      read === created + updated + skipped + failed &&
      read === row.total &&
      created === recorded.created &&
      updated === recorded.updated &&
      failed === (state.errors?.rows ?? 0)
    if (agrees) return
    const totals = `counted ${JSON.stringify(counts)} of ${row.total}, recorded ${JSON.stringify(recorded)} and ${state.errors?.rows ?? 0} failed`
    throw new JobFailure('totals_differ', `internal error: the totals do not match: ${totals}`)
  }

  const undo = createUndoJobKind({
    kind: 'import.undo',
    find: async (job) => {
      const row = await table.get(job.parent ?? '')
      return row && { id: row.id, ownerId: row.createdBy, format: row.format }
    },
    changes: table,
    target,
    files,
    keepHours,
  })
  return [check, commit, undo]
}
