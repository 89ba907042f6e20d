import type { Db } from '@clientele/platform/data/db'
import type { JobFiles } from '../jobs/job-files.ts'
import { JobFailure, type JobKind } from '../jobs/job-kind.ts'
import { actorOf } from './checked-rows.ts'
import { createErrorFile, type ErrorsState } from './error-file.ts'
import type { ImportTable } from './import.store.ts'
import type { AnyTarget, UndoResult } from './import-target.ts'

type Options = { db: Db; target: AnyTarget; table: ImportTable; files: JobFiles; keepHours: number }

/**
 * Things that the import made go first, which frees their unique values for those that are restored. What is still taken then is
 * tried again as long as a round moves anything; the last round says what stays.
 */
type Phase = 'made' | 'changed' | 'again' | 'last'
type State = { phase: Phase; after: string | null; moved: number; errors?: ErrorsState | undefined }
type UndoCounts = { removed: number; restored: number; kept: number }

const stepRows = 500
const madeOf: Record<Phase, boolean | null> = { made: true, changed: false, again: null, last: null }

const following = ({ phase, moved, errors }: State): State | undefined => {
  if (phase === 'last') return undefined
  if (phase === 'made') return { phase: 'changed', after: null, moved: 0, errors }
  if (phase === 'changed') return { phase: 'again', after: null, moved: 0, errors }
  return { phase: moved > 0 ? 'again' : 'last', after: null, moved: 0, errors }
}

/** Takes an import back, change by change; what somebody has changed since stays as it is and is told. */
export const undoKind = ({ target, table, files, keepHours }: Options): JobKind => ({
  kind: 'import.undo',
  run: async (job, { step, finish }) => {
    const row = await table.get(job.parent ?? '')
    if (!row) throw new JobFailure('import_gone', 'the import was removed')
    const errorFile = createErrorFile(files, { format: row.format, columns: ['id'], keepHours, numbered: false })
    const actor = actorOf(job)
    let state = (job.state as State | null) ?? { phase: 'made', after: null, moved: 0 }
    let counts: UndoCounts = { removed: 0, restored: 0, kept: 0, ...job.counts }
    for (let going = true; going; ) {
      const before = { state, counts }
      await step(async (tx) => {
        const { phase, after } = before.state
        const changes = await table.nextChanges(row.id, madeOf[phase], after, stepRows, tx)
        if (changes.length === 0) {
          const next = following(before.state)
          going = next !== undefined
          state = next ?? before.state
          return { state }
        }
        const results = await target.undo(changes, actor, tx)
        const settled = results.filter((result) => phase === 'last' || !mayComeFree(result))
        const kept = settled.flatMap((result) => (result.outcome === 'kept' ? [result] : []))
        await table.setUndone(row.id, settled, tx)
        const errors = await errorFile.append(
          kept.map(({ subject, why }) => ({ values: { id: subject }, problems: [why] })),
          before.state.errors,
          tx,
        )
        counts = added(before.counts, settled)
        const moved = before.state.moved + settled.length - kept.length
        state = { phase, after: changes.at(-1)?.subject ?? null, moved, errors }
        return { state, counts, ...(errors && { errorsFile: errors.file }) }
      })
    }
    await finish(async (tx) => {
      if (state.errors) await errorFile.seal(state.errors, tx)
      return { counts }
    })
  },
})

const mayComeFree = (result: UndoResult): boolean => result.outcome === 'kept' && result.why.code === 'taken'

const added = (before: UndoCounts, results: readonly UndoResult[]): UndoCounts => {
  const counts = { ...before }
  for (const { outcome } of results) counts[outcome] += 1
  return counts
}
