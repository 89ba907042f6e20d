import type { ImportChange, RowProblem, UndoResult } from '@clientele/features/imports/import-target'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { violatedConstraint } from '@clientele/platform/data/database-errors'
import type { Tx } from '@clientele/platform/data/db'
import { inSavepoint } from '@clientele/platform/data/transaction'
import type { BulkWriter, ProductEdit } from './product.bulk.ts'
import { currentFields, type ProductFields } from './product.change.ts'
import type { ProductFinder } from './product.finder.ts'
import type { ProductRow } from './product.model.ts'

type Deps = { finder: ProductFinder; bulk: BulkWriter }
type Undone = { result: UndoResult; edit?: ProductEdit }

const reason = 'import taken back'
const why: Record<'gone' | 'edited' | 'taken', RowProblem> = {
  gone: { code: 'gone', message: 'the product was removed for good' },
  edited: {
    code: 'edited_since',
    message: 'the product was changed, ordered or restocked since the import; it stays as it is',
  },
  taken: { code: 'taken', message: 'another product has its former sku now' },
}

const undone = ({ subject, created, version, previous }: ImportChange, row: ProductRow | undefined): Undone => {
  const kept = (reason: RowProblem): Undone => ({ result: { subject, outcome: 'kept', why: reason } })
  if (!row) return kept(why.gone)
  if (row.version !== version) return kept(why.edited)
  const fields = currentFields(row)
  if (created) return { result: { subject, outcome: 'removed' }, edit: { before: row, fields, archivedAt: new Date() } }
  const { stock, ...former } = previous as Partial<ProductFields> & { stock?: number }
  return { result: { subject, outcome: 'restored' }, edit: { before: row, fields: { ...fields, ...former }, stock } }
}

/** Undoes changes of products to which nothing has happened since; stock goes back by a movement. */
export const createProductUndo = ({ finder, bulk }: Deps) => {
  const once = async (changes: readonly ImportChange[], actor: Actor, tx: Tx): Promise<UndoResult[]> => {
    const ids = changes.map(({ subject }) => subject)
    const rows = new Map((await finder.many(ids, [], tx, 'any')).map((row) => [row.id, row]))
    const all = changes.map((change) => undone(change, rows.get(change.subject)))
    await bulk.write(
      all.flatMap(({ edit }) => edit ?? []),
      reason,
      actor,
      tx,
    )
    return all.map(({ result }) => result)
  }
  const orTaken = (work: () => Promise<UndoResult[]>): Promise<UndoResult[] | undefined> =>
    work().catch((error: unknown) => {
      if (violatedConstraint(error) === undefined) throw error
      return undefined
    })

  /** All together, or one by one if a former sku belongs to another product now. */
  return async (changes: readonly ImportChange[], actor: Actor, tx: Tx): Promise<UndoResult[]> => {
    const together = await orTaken(() => inSavepoint(tx, (inner) => once(changes, actor, inner)))
    if (together) return together
    const results: UndoResult[] = []
    for (const change of changes) {
      const [alone] = (await orTaken(() => inSavepoint(tx, (inner) => once([change], actor, inner)))) ?? []
      results.push(alone ?? { subject: change.subject, outcome: 'kept', why: why.taken })
    }
    return results
  }
}
