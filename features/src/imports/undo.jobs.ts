import type { JobFiles } from '../jobs/job-files.ts'
import { type ClaimedJob, JobFailure, type JobKind } from '../jobs/job-kind.ts'
import type { TableFormat } from '../tables/row.ts'
import { actorOf } from './checked-rows.ts'
import { createErrorFile, type ErrorFileState } from './error-file.ts'
import type { ImportTable } from './import.store.ts'
import type { AnyTarget, UndoResult } from './import-target.ts'

/** What an undo job undoes. Its owner's quota has the error file, which has the format `format`. */
type Undoable = { id: string; ownerId: string; format: TableFormat }

/** `find` returns what a job undoes; undefined if it was deleted. */
export type UndoOptions = {
  kind: string
  find(job: ClaimedJob): Promise<Undoable | undefined>
  changes: Pick<ImportTable, 'nextChanges' | 'setUndone' | 'reopenKept'>
  target: Pick<AnyTarget, 'undo'>
  files: JobFiles
  keepHours: number
}

/**
 * The phases of an undo. `reopen`: what an earlier undo has kept is tried again. `made`: created records are moved to the trash,
 * which frees their unique values. `changed`: updated records get their former values. `again`: records whose value is still taken
 * are retried, in rounds, until a round makes no progress. `last`: the others are reported.
 */
type Phase = 'reopen' | 'made' | 'changed' | 'again' | 'last'
/** `after` is the id of the last record of this phase; `moved` counts the changes that were undone in this round. */
type State = { phase: Phase; after: string | null; moved: number; errors?: ErrorFileState | undefined }
type UndoCounts = { removed: number; restored: number; kept: number }

const stepRows = 500
const reopenRows = 5_000
/** The records of a phase: created ones (true), updated ones (false) or both (null). */
const createdFilter: Record<Exclude<Phase, 'reopen'>, boolean | null> = {
  made: true,
  changed: false,
  again: null,
  last: null,
}

const nextState = ({ phase, moved, errors }: State): State | undefined => {
  if (phase === 'last') return undefined
  if (phase === 'reopen') return { phase: 'made', after: null, moved: 0, errors }
  if (phase === 'made') return { phase: 'changed', after: null, moved: 0, errors }
  if (phase === 'changed') return { phase: 'again', after: null, moved: 0, errors }
  return { phase: moved > 0 ? 'again' : 'last', after: null, moved: 0, errors }
}

/** Creates a job kind that undoes changes. Records that somebody has changed since stay as they are and are reported. */
export const createUndoJobKind = ({ kind, find, changes: table, target, files, keepHours }: UndoOptions): JobKind => ({
  kind,
  run: async (job, { step, finish }) => {
    const row = await find(job)
    if (!row) throw new JobFailure('import_gone', 'what the job undoes was deleted')
    const errorFile = createErrorFile(files, {
      ownerId: row.ownerId,
      format: row.format,
      columns: ['id'],
      keepHours,
      numbered: false,
    })
    const actor = actorOf(job)
    let state = (job.state as State | null) ?? { phase: 'reopen', after: null, moved: 0 }
    let counts: UndoCounts = { removed: 0, restored: 0, kept: 0, ...job.counts }
    for (let hasMore = true; hasMore; ) {
      const before = { state, counts }
      await step(async (tx) => {
        const { phase, after } = before.state
        if (phase === 'reopen') {
          const reopened = await table.reopenKept(row.id, reopenRows, tx)
          state = (reopened < reopenRows && nextState(before.state)) || before.state
          return { state }
        }
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
