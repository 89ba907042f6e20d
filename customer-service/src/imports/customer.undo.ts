import { customerDeleted, customerRestored, customerUpdated } from '@clientele/contracts/customer'
import type { NewEvent } from '@clientele/contracts/event'
import type { ImportChange, RowProblem, UndoResult } from '@clientele/features/imports/import-target'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import { violatedConstraint } from '@clientele/platform/data/database-errors'
import type { Tx } from '@clientele/platform/data/db'
import { withSavepoint } from '@clientele/platform/data/transaction'
import type { UserNames } from '@clientele/platform/data/user-names'
import type { BulkWriter } from '../customers/customer.bulk.ts'
import { type CustomerFields, currentFields, difference } from '../customers/customer.change.ts'
import type { Finder } from '../customers/customer.finder.ts'
import type { CustomerRow } from '../customers/customer.model.ts'
import { presentEventData } from '../customers/customer.presenter.ts'
import { nextVersion } from '../customers/customer.row.ts'

type Deps = { finder: Finder; bulk: BulkWriter; userNames: UserNames }

const keptReasons: Record<'gone' | 'edited' | 'taken', RowProblem> = {
  gone: { code: 'gone', message: 'the customer was purged' },
  edited: { code: 'edited_since', message: 'the customer was changed since then; it stays as it is' },
  taken: { code: 'taken', message: 'another customer has its former e-mail or external id now' },
}

type PlannedUndo = { result: UndoResult; row?: CustomerRow; event?: NewEvent }

/**
 * Undoes the changes of an import or a bulk change: created customers go to the trash, updated ones get their former values back,
 * and those whose former `deletedAt` is recorded return to where they were. A customer that was changed since is kept as it is.
 */
export const createCustomerUndo = ({ finder, bulk, userNames }: Deps) => {
  const planUndo = (
    { subject, created, version, previous }: ImportChange,
    row: CustomerRow | undefined,
    actor: Actor,
  ): PlannedUndo => {
    const keep = (reason: RowProblem): PlannedUndo => ({ result: { subject, outcome: 'kept', reason } })
    if (!row) return keep(keptReasons.gone)
    if (row.version !== version) return keep(keptReasons.edited)
    if (created || typeof previous?.['deletedAt'] === 'string') {
      const next = { ...nextVersion(row, actor), deletedAt: new Date() }
      const event = customerDeleted.of(presentEventData(next), actorRef(actor))
      return { result: { subject, outcome: 'removed', version: next.version }, row: next, event }
    }
    if (previous?.['deletedAt'] === null) {
      const next = { ...nextVersion(row, actor), deletedAt: null }
      const event = customerRestored.of(presentEventData(next), actorRef(actor))
      return { result: { subject, outcome: 'restored', version: next.version }, row: next, event }
    }
    const fields = { ...currentFields(row), ...(previous as Partial<CustomerFields>) }
    const change = difference(row, fields)
    if (!change) return { result: { subject, outcome: 'restored', version: row.version } }
    const next = { ...nextVersion(row, actor), ...fields }
    const event = customerUpdated.of(presentEventData(next), actorRef(actor), change)
    return { result: { subject, outcome: 'restored', version: next.version }, row: next, event }
  }

  const undoTogether = async (changes: readonly ImportChange[], actor: Actor, tx: Tx): Promise<UndoResult[]> => {
    const ids = changes.map(({ subject }) => subject)
    const rows = new Map((await finder.findMany('id', ids, 'any', tx)).map((row) => [row.id, row]))
    const plans = changes.map((change) => planUndo(change, rows.get(change.subject), actor))
    await bulk.update(
      plans.flatMap(({ row }) => row ?? []),
      tx,
    )
    await bulk.addEvents(
      plans.flatMap(({ event }) => event ?? []),
      tx,
    )
    return plans.map(({ result }) => result)
  }

  /** Undoes all changes together. If another customer now has a former unique value, undoes them one by one. */
  return async (changes: readonly ImportChange[], actor: Actor, tx: Tx): Promise<UndoResult[]> => {
    const editor = await userNames.withCurrentName(actor, tx)
    const attempt = (some: readonly ImportChange[]) =>
      undefinedOnConflict(() => withSavepoint(tx, (inner) => undoTogether(some, editor, inner)))
    const together = await attempt(changes)
    if (together) return together
    const results: UndoResult[] = []
    for (const change of changes) {
      const [result] = (await attempt([change])) ?? []
      results.push(result ?? { subject: change.subject, outcome: 'kept', reason: keptReasons.taken })
    }
    return results
  }
}

const undefinedOnConflict = <T>(work: () => Promise<T>): Promise<T | undefined> =>
  work().catch((error: unknown) => {
    if (violatedConstraint(error) === undefined) throw error
    return undefined
  })
