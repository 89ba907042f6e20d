import type { Job } from '@clientele/contracts/job'
import type { JobService } from '@clientele/features/jobs/job.service'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { isStatementTimeout } from '@clientele/platform/data/database-errors'
import type { Db } from '@clientele/platform/data/db'
import { createBudget } from '@clientele/platform/http/work-budget'
import { requiresField } from '@clientele/platform/lists/list'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { CustomerList } from '../customers/customer.list.ts'
import type { BulkInput, JobChange, NewBulkChange, Selection } from './bulk.input.ts'
import { bulkKinds } from './bulk.jobs.ts'
import { createBulkStore } from './bulk.store.ts'

type Deps = { db: Db; list: CustomerList; jobs: JobService; maxCustomers: number }

/** Each of them counts customers, which takes the database up to a second at a million. */
const maxPerMinute = 30
/** The part by which the number of customers may differ from the expected one. */
const tolerance = 0.01
const unfinished = ['queued', 'running', 'cancelling']
const undoable: readonly string[] = [bulkKinds.change, bulkKinds.renameTag]

/** Restoring is for the trash, and all other changes are for the customers outside. */
const checkFilter = ({ filter, op }: NewBulkChange): void => {
  const isInTrash = requiresField('deletedAt', filter)
  if (op === 'restore' && !isInTrash)
    throw fieldProblem('/filter', 'required', 'must select customers in the trash, such as {"deletedAt[exists]": true}')
  if (op !== 'restore' && isInTrash)
    throw fieldProblem('/filter', 'in_trash', 'must not select customers in the trash: they can only be restored')
}

export type BulkService = ReturnType<typeof createBulkService>

/** Creates the operations that change many customers by a job. Users see and undo their own changes; admins all. */
export const createBulkService = ({ db, list, jobs, maxCustomers }: Deps) => {
  const store = createBulkStore(db)
  const budget = createBudget({ name: 'bulk changes', unit: 'bulk changes', limit: maxPerMinute, windowMs: 60_000 })

  const count = async (selection: Selection, actor: Actor): Promise<number> => {
    const values: unknown[] = []
    const where = list.where(selection, (value) => `$${values.push(value)}`, { actor })
    const sql = `select count(*)::int as count from customers where ${where}`
    const [row] = await db.query<{ count: number }>(sql, values).catch((error: unknown) => {
      if (!isStatementTimeout(error)) throw error
      throw new Problem('unavailable', { detail: 'counting the customers took too long; narrow the filter' })
    })
    return row?.count ?? 0
  }

  const start = (kind: string, selections: Selection[], change: JobChange, total: number, actor: Actor): Promise<Job> =>
    db.transaction(async (tx) => {
      const input: BulkInput = { selections, change, total, until: new Date().toISOString() }
      const job = await jobs.add({ kind, owner: actor, input }, tx)
      await store.add(job.id, tx)
      return job
    })

  return {
    /** Starts a bulk change. @throws Problem 409 with `count` if another number of customers matches than expected; 422 */
    start: async (body: NewBulkChange, actor: Actor): Promise<Job> => {
      checkFilter(body)
      budget.assertLeft(actor.id, 1)
      budget.charge(actor.id, 1)
      const { filter, expect, ...change } = body
      const total = await count(filter, actor)
      if (Math.abs(total - expect) > expect * tolerance)
        throw new Problem('conflict', {
          detail: `${total} customers match, not ${expect}; check them and send the request again`,
          extra: { count: total },
        })
      if (total > maxCustomers)
        throw fieldProblem('/filter', 'too_many', `must match at most ${maxCustomers} customers; ${total} match`)
      return start(bulkKinds.change, [filter], change, total, actor)
    },

    /** Starts to give a tag another name, also in the trash. @throws Problem 404 if no customer has the tag; 422 */
    renameTag: async (from: string, to: string, actor: Actor): Promise<Job> => {
      if (from === to) throw fieldProblem('/name', 'invalid_value', 'is the name that the tag has')
      const selections = [{ tag: [from] }, { tag: [from], 'deletedAt[exists]': true }]
      const counts = await Promise.all(selections.map((selection) => count(selection, actor)))
      const total = counts.reduce((sum, each) => sum + each, 0)
      if (total === 0) throw new Problem('not_found', { detail: 'no customer has this tag' })
      return start(bulkKinds.renameTag, selections, { op: 'renameTag', from, to }, total, actor)
    },

    /** Starts to undo a bulk change. @throws Problem 404; 409 if the change runs, or was undone */
    undo: async (id: string, actor: Actor): Promise<Job> => {
      const job = await jobs.get(id, actor)
      if (!undoable.includes(job.kind)) throw new Problem('not_found', { detail: 'bulk change not found' })
      if (unfinished.includes(job.status))
        throw new Problem('invalid_state', { detail: 'the change is still in progress; cancel it first' })
      return db.transaction(async (tx) => {
        const stored = await store.lock(id, tx)
        if (!stored) throw new Problem('not_found', { detail: 'bulk change not found' })
        const { undoStatus } = stored
        if (undoStatus !== null && unfinished.includes(undoStatus))
          throw new Problem('invalid_state', { detail: 'the change is being undone' })
        if (undoStatus === 'succeeded' && !(await store.hasKept(id, tx)))
          throw new Problem('invalid_state', { detail: 'the change was undone, and nothing was kept' })
        const undo = await jobs.add({ kind: bulkKinds.undo, owner: actor, input: { job: id } }, tx)
        await store.setUndoJob(id, undo.id, tx)
        return undo
      })
    },
  }
}
