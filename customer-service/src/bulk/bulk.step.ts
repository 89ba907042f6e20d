import { writeInChunks } from '@clientele/features/imports/batch-writing'
import type { RowProblem } from '@clientele/features/imports/import-target'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { violatedConstraint } from '@clientele/platform/data/database-errors'
import type { Db, Tx } from '@clientele/platform/data/db'
import { withSavepoint } from '@clientele/platform/data/transaction'
import type { UserNames } from '@clientele/platform/data/user-names'
import type { BulkWriter } from '../customers/customer.bulk.ts'
import type { Finder } from '../customers/customer.finder.ts'
import type { CustomerList } from '../customers/customer.list.ts'
import { type PlannedChange, planChange } from './bulk.change.ts'
import type { JobChange, Selection } from './bulk.input.ts'
import type { BulkStore } from './bulk.store.ts'

type Deps = { db: Db; list: CustomerList; finder: Finder; bulk: BulkWriter; userNames: UserNames; store: BulkStore }
type Failed = { id: string; problem: RowProblem }
type Work = { jobId: string; ids: readonly string[]; selection: Selection; change: JobChange }

const stepRows = 500
/** Of these, the customers that match are found at a time. */
const partRows = 5_000
const firstId = '00000000-0000-0000-0000-000000000000'
const lastOfPart = `select id as last from (select id from customers where id > $1::uuid order by id limit ${partRows}) part
order by id desc limit 1`
const takenProblem: RowProblem = { code: 'taken', message: 'another customer has its e-mail or external id now' }

/** Creates what a job does in each step. */
export const createBulkStep = ({ db, list, finder, bulk, userNames, store }: Deps) => {
  const idsWhere = async (
    selection: Selection,
    actor: Actor,
    rest: (bind: (value: unknown) => string) => string,
    tx?: Tx,
  ): Promise<string[]> => {
    const values: unknown[] = []
    const bind = (value: unknown) => `$${values.push(value)}`
    const sql = `select id from customers where ${list.where(selection, bind, { actor })} and ${rest(bind)}`
    return (await db.query<{ id: string }>(sql, values, { tx })).map(({ id }) => id)
  }

  const write = async (changes: readonly PlannedChange[], tx: Tx): Promise<void> => {
    await writeInChunks(changes, async (chunk) => {
      await bulk.update(
        chunk.map(({ row }) => row),
        tx,
      )
      await bulk.addEvents(
        chunk.map(({ event }) => event),
        tx,
      )
    })
  }

  /** @returns false if another customer has a unique value of one of them */
  const tryWrite = (changes: readonly PlannedChange[], tx: Tx): Promise<boolean> =>
    withSavepoint(tx, (inner) => write(changes, inner)).then(
      () => true,
      (error: unknown) => {
        if (violatedConstraint(error) === undefined) throw error
        return false
      },
    )

  /** Writes all changes together, or one by one if a value is taken. @returns those that were written */
  const writePossible = async (changes: readonly PlannedChange[], tx: Tx): Promise<PlannedChange[]> => {
    if (changes.length === 0 || (await tryWrite(changes, tx))) return [...changes]
    const written: PlannedChange[] = []
    for (const change of changes) if (await tryWrite([change], tx)) written.push(change)
    return written
  }

  return {
    /**
     * Returns the next customers of a selection among the next ones of all, in the order of their ids, and the id after which to go on;
     * null at the end. A part of the table is read at a time, so that no statement takes long, however few customers match.
     */
    nextIds: async (
      selection: Selection,
      { after, until }: { after: string | null; until: string },
      actor: Actor,
    ): Promise<{ ids: string[]; next: string | null }> => {
      const [part] = await db.query<{ last: string | null }>(lastOfPart, [after ?? firstId])
      const last = part?.last ?? null
      if (last === null) return { ids: [], next: null }
      const ids = await idsWhere(selection, actor, (bind) => {
        const range = `id > ${bind(after ?? firstId)} and id <= ${bind(last)}`
        return `${range} and created_at <= ${bind(until)} order by id limit ${stepRows}`
      })
      return { ids, next: ids.length < stepRows ? last : (ids.at(-1) ?? last) }
    },

    /** Changes those of the customers that still match, once they are locked. */
    change: async (
      { jobId, ids, selection, change }: Work,
      actor: Actor,
      tx: Tx,
    ): Promise<{ changed: number; unchanged: number; failed: Failed[] }> => {
      if (ids.length === 0) return { changed: 0, unchanged: 0, failed: [] }
      const editor = await userNames.withCurrentName(actor, tx)
      const rows = await finder.findMany('id', ids, 'any', tx)
      const matching = new Set(await idsWhere(selection, actor, (bind) => `id = any(${bind(ids)}::uuid[])`, tx))
      const plans = rows
        .filter(({ id }) => matching.has(id))
        .map((row) => ({ id: row.id, plan: planChange(row, change, editor) }))
      const planned = plans.flatMap(({ plan }) => (plan && 'change' in plan ? [plan.change] : []))
      const invalid = plans.flatMap(({ id, plan }) =>
        plan && 'problem' in plan ? [{ id, problem: plan.problem }] : [],
      )
      const written = await writePossible(planned, tx)
      const writtenIds = new Set(written.map(({ row }) => row.id))
      const taken = planned.filter(({ row }) => !writtenIds.has(row.id))
      await store.record(
        jobId,
        written.map(({ changed }) => changed),
        tx,
      )
      const failed = [...invalid, ...taken.map(({ row }) => ({ id: row.id, problem: takenProblem }))]
      return { changed: written.length, unchanged: plans.length - written.length - failed.length, failed }
    },
  }
}
