import type { Db } from '@clientele/platform/data/db'
import type { JobFiles } from '../jobs/job-files.ts'
import { JobFailure, type JobKind } from '../jobs/job-kind.ts'
import { actorOf } from './checked-rows.ts'
import { createErrorFile, type ErrorFileState } from './error-file.ts'
import type { ImportTable } from './import.store.ts'
import type { AnyTarget, UndoResult } from './import-target.ts'

type Options = { db: Db; target: AnyTarget; table: ImportTable; files: JobFiles; keepHours: number }

/**
 * The phases of an undo. `made`: created records are moved to the trash, which frees their unique values. `changed`: updated
 * records get their former values. `again`: records whose value is still taken are retried, in rounds, until a round makes no
 * progress. `last`: the others are reported.
 */
type Phase = 'made' | 'changed' | 'again' | 'last'
/** `after` is the id of the last record of this phase; `moved` counts the changes that were undone in this round. */
type State = { phase: Phase; after: string | null; moved: number; errors?: ErrorFileState | undefined }
type UndoCounts = { removed: number; restored: number; kept: number }

const stepRows = 500
/** The records of a phase: created ones (true), updated ones (false) or both (null). */
const createdFilter: Record<Phase, boolean | null> = { made: true, changed: false, again: null, last: null }

const nextState = ({ phase, moved, errors }: State): State | undefined => {
  if (phase === 'last') return undefined
  if (phase === 'made') return { phase: 'changed', after: null, moved: 0, errors }
  if (phase === 'changed') return { phase: 'again', after: null, moved: 0, errors }
  return { phase: moved > 0 ? 'again' : 'last', after: null, moved: 0, errors }
}

/** Creates the job kind that undoes an import. Records that somebody has changed since stay as they are and are reported. */
export const createUndoJobKind = ({ target, table, files, keepHours }: Options): JobKind => ({
  kind: 'import.undo',
  run: async (job, { step, finish }) => {
    const row = await table.get(job.parent ?? '')
    if (!row) throw new JobFailure('import_gone', 'the import was deleted')
    const errorFile = createErrorFile(files, {
      ownerId: row.createdBy,
      format: row.format,
      columns: ['id'],
      keepHours,
      numbered: false,
    })
    const actor = actorOf(job)
    let state = (job.state as State | null) ?? { phase: 'made', after: null, moved: 0 }
    let counts: UndoCounts = { removed: 0, restored: 0, kept: 0, ...job.counts }
    for (let hasMore = true; hasMore; ) {
      const before = { state, counts }
      await step(async (tx) => {
        const { phase, after } = before.state
        const changes = await table.nextChanges(row.id, createdFilter[phase], after, stepRows, tx)
        if (changes.length === 0) {
          const next = nextState(before.state)
          hasMore = next !== undefined
          state = next ?? before.state
          return { state }
        }
        const results = await target.undo(changes, actor, tx)
        const finished = results.filter((result) => phase === 'last' || !mayBecomeFree(result))
        const kept = finished.flatMap((result) => (result.outcome === 'kept' ? [result] : []))
        await table.setUndone(row.id, finished, tx)
        const errors = await errorFile.append(
          kept.map((result) => ({ values: { id: result.subject }, problems: [result.reason] })),
          before.state.errors,
          tx,
        )
        counts = addCounts(before.counts, finished)
        const moved = before.state.moved + finished.length - kept.length
        state = { phase, after: changes.at(-1)?.subject ?? null, moved, errors }
        return { state, counts, ...(errors && { errorsFile: errors.file }) }
      })
    }
    await finish(async (tx) => {
      if (state.errors) await errorFile.complete(state.errors, tx)
      return { counts }
    })
  },
})

const mayBecomeFree = (result: UndoResult): boolean => result.outcome === 'kept' && result.reason.code === 'taken'

const addCounts = (before: UndoCounts, results: readonly UndoResult[]): UndoCounts => {
  const counts = { ...before }
  for (const { outcome } of results) counts[outcome] += 1
  return counts
}
