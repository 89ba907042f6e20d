import { customerDeleted, customerUpdated } from '@clientele/contracts/customer'
import type { NewEvent } from '@clientele/contracts/event'
import type { ImportChange, RowProblem, UndoResult } from '@clientele/features/imports/import-target'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import { violatedConstraint } from '@clientele/platform/data/database-errors'
import type { Tx } from '@clientele/platform/data/db'
import { inSavepoint } from '@clientele/platform/data/transaction'
import type { BulkWriter } from '../customers/customer.bulk.ts'
import { type CustomerFields, currentFields, difference } from '../customers/customer.change.ts'
import type { Finder } from '../customers/customer.finder.ts'
import type { CustomerRow } from '../customers/customer.model.ts'
import { presentEvent } from '../customers/customer.presenter.ts'
import { nextVersion } from '../customers/customer.stamp.ts'
import type { UserNames } from '../users/user-name.projection.ts'

type Deps = { finder: Finder; bulk: BulkWriter; userNames: UserNames }

const why: Record<'gone' | 'edited' | 'taken', RowProblem> = {
  gone: { code: 'gone', message: 'the customer was purged' },
  edited: { code: 'edited_since', message: 'somebody has changed the customer since the import; it stays as it is' },
  taken: { code: 'taken', message: 'another customer has its former e-mail or external id now' },
}

type Undone = { result: UndoResult; row?: CustomerRow; event?: NewEvent }

/** Takes changes of customers back where nobody has changed them since. */
export const createCustomerUndo = ({ finder, bulk, userNames }: Deps) => {
  const undone = (
    { subject, created, version, previous }: ImportChange,
    row: CustomerRow | undefined,
    actor: Actor,
  ): Undone => {
    const kept = (reason: RowProblem): Undone => ({ result: { subject, outcome: 'kept', why: reason } })
    if (!row) return kept(why.gone)
    if (row.version !== version) return kept(why.edited)
    if (created) {
      const next = { ...nextVersion(row, actor), deletedAt: new Date() }
      const event = customerDeleted.of(presentEvent(next), actorRef(actor))
      return { result: { subject, outcome: 'removed' }, row: next, event }
    }
    const fields = { ...currentFields(row), ...(previous as Partial<CustomerFields>) }
    const change = difference(row, fields)
    if (!change) return { result: { subject, outcome: 'restored' } }
    const next = { ...nextVersion(row, actor), ...fields }
    const event = customerUpdated.of(presentEvent(next), actorRef(actor), change)
    return { result: { subject, outcome: 'restored' }, row: next, event }
  }

  const once = async (changes: readonly ImportChange[], actor: Actor, tx: Tx): Promise<UndoResult[]> => {
    const ids = changes.map(({ subject }) => subject)
    const rows = new Map((await finder.many('id', ids, 'any', tx)).map((row) => [row.id, row]))
    const all = changes.map((change) => undone(change, rows.get(change.subject), actor))
    await bulk.update(
      all.flatMap(({ row }) => row ?? []),
      tx,
    )
    await bulk.tell(
      all.flatMap(({ event }) => event ?? []),
      tx,
    )
    return all.map(({ result }) => result)
  }

  /** Together, or one by one where a former unique value is somebody else's now. */
  return async (changes: readonly ImportChange[], actor: Actor, tx: Tx): Promise<UndoResult[]> => {
    const who = await userNames.inActor(actor, tx)
    const together = await orTaken(() => inSavepoint(tx, (inner) => once(changes, who, inner)))
    if (together) return together
    const results: UndoResult[] = []
    for (const change of changes) {
      const [alone] = (await orTaken(() => inSavepoint(tx, (inner) => once([change], who, inner)))) ?? []
      results.push(alone ?? { subject: change.subject, outcome: 'kept', why: why.taken })
    }
    return results
  }
}

const orTaken = <T>(work: () => Promise<T>): Promise<T | undefined> =>
  work().catch((error: unknown) => {
    if (violatedConstraint(error) === undefined) throw error
    return undefined
  })
