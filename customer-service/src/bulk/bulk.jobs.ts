import { createErrorFile, type ErrorFileState } from '@clientele/features/imports/error-file'
import type { RowProblem } from '@clientele/features/imports/import-target'
import { createUndoJobKind } from '@clientele/features/imports/undo.jobs'
import type { JobFiles } from '@clientele/features/jobs/job-files'
import type { ClaimedJob, JobKind } from '@clientele/features/jobs/job-kind'
import type { TableFormat } from '@clientele/features/tables/row'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import type { UserNames } from '@clientele/platform/data/user-names'
import type { BulkWriter } from '../customers/customer.bulk.ts'
import type { Finder } from '../customers/customer.finder.ts'
import type { CustomerList } from '../customers/customer.list.ts'
import { createCustomerUndo } from '../imports/customer.undo.ts'
import type { BulkInput } from './bulk.input.ts'
import { createBulkStep } from './bulk.step.ts'
import { createBulkStore } from './bulk.store.ts'

/** The kinds of the jobs: a change, the new name of a tag, and the undo of both. */
export const bulkKinds = { change: 'bulk', renameTag: 'tag.rename', undo: 'bulk.undo' } as const

type Deps = {
  db: Db
  list: CustomerList
  finder: Finder
  bulk: BulkWriter
  userNames: UserNames
  files: JobFiles
  keepHours: number
}

/** The selection that is worked on, and the id of its last customer that was. */
type State = { selection: number; after: string | null; errors?: ErrorFileState | undefined }
type Counts = { matched: number; changed: number; unchanged: number; failed: number }

const zeroCounts: Counts = { matched: 0, changed: 0, unchanged: 0, failed: 0 }
const format: TableFormat = { format: 'csv', delimiter: ',', quote: '"', newline: '\n', skipRows: 0, columns: ['id'] }

/** Creates the job kinds of bulk changes. Each step changes up to 500 customers in a transaction. */
export const createBulkJobKinds = ({ db, list, finder, bulk, userNames, files, keepHours }: Deps): JobKind[] => {
  const store = createBulkStore(db)
  const steps = createBulkStep({ db, list, finder, bulk, userNames, store })
  const errorFileOf = (job: ClaimedJob) =>
    createErrorFile(files, { ownerId: job.owner.id, format, columns: ['id'], keepHours, numbered: false })

  const change = (kind: string): JobKind => ({
    kind,
    run: async (job, { step, finish }) => {
      const { selections, total, ...input } = job.input as BulkInput
      const actor: Actor = { ...job.owner, roles: [], token: '' }
      const errorFile = errorFileOf(job)
      let state = (job.state as State | null) ?? { selection: 0, after: null }
      let counts: Counts = { ...zeroCounts, ...job.counts }
      while (state.selection < selections.length) {
        const selection = selections[state.selection] ?? {}
        const { ids, next } = await steps.nextIds(selection, { ...input, after: state.after }, actor)
        const before = { state, counts }
        if (next === null) {
          state = { ...before.state, selection: before.state.selection + 1, after: null }
          continue
        }
        await step(async (tx) => {
          const result = await steps.change({ jobId: job.id, ids, selection, change: input.change }, actor, tx)
          const failed = result.failed.map(({ id, problem }) => ({ values: { id }, problems: [problem] }))
          const errors = await errorFile.append(failed, before.state.errors, tx)
          state = { ...before.state, after: next, errors }
          counts = addCounts(before.counts, result)
          const progress = Math.min(counts.matched / Math.max(total, counts.matched, 1), 0.99)
          return { state, counts, progress, ...(errors && { errorsFile: errors.file }) }
        })
      }
      await finish(async (tx) => {
        if (state.errors) await errorFile.complete(state.errors, tx)
        return { state, counts }
      })
    },
    onFailedOrCancelled: async (job, _outcome, tx) => {
      const state = job.state as State | null
      if (state?.errors) await errorFileOf(job).complete(state.errors, tx)
    },
  })

  const undo = createUndoJobKind({
    kind: bulkKinds.undo,
    find: async (job) => ({ id: (job.input as { job: string }).job, ownerId: job.owner.id, format }),
    changes: store,
    target: { undo: createCustomerUndo({ finder, bulk, userNames }) },
    files,
    keepHours,
  })
  return [change(bulkKinds.change), change(bulkKinds.renameTag), undo]
}

type StepResult = { changed: number; unchanged: number; failed: readonly { id: string; problem: RowProblem }[] }

const addCounts = (before: Counts, { changed, unchanged, failed }: StepResult): Counts => ({
  matched: before.matched + changed + unchanged + failed.length,
  changed: before.changed + changed,
  unchanged: before.unchanged + unchanged,
  failed: before.failed + failed.length,
})
