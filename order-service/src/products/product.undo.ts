import type { ImportChange, RowProblem, UndoResult } from '@clientele/features/imports/import-target'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { violatedConstraint } from '@clientele/platform/data/database-errors'
import type { Tx } from '@clientele/platform/data/db'
import { withSavepoint } from '@clientele/platform/data/transaction'
import type { ProductBulkWriter, ProductEdit } from './product.bulk.ts'
import { currentFields, type ProductFields } from './product.change.ts'
import type { ProductFinder } from './product.finder.ts'
import type { ProductRow } from './product.model.ts'

type Deps = { finder: ProductFinder; bulk: ProductBulkWriter }
type UndoDecision = { kept: RowProblem } | { outcome: 'removed' | 'restored'; edit: ProductEdit }

const reason = 'import undone'
const keptReasons: Record<'gone' | 'edited' | 'taken', RowProblem> = {
  gone: { code: 'gone', message: 'the product was purged' },
  edited: {
    code: 'edited_since',
    message: 'the product was changed, ordered or restocked since the import; it stays as it is',
  },
  taken: { code: 'taken', message: 'another product has its former SKU now' },
}

const decideUndo = ({ created, version, previous }: ImportChange, row: ProductRow | undefined): UndoDecision => {
  if (!row) return { kept: keptReasons.gone }
  if (row.version !== version) return { kept: keptReasons.edited }
  const fields = currentFields(row)
  if (created) return { outcome: 'removed', edit: { before: row, fields, deletedAt: new Date() } }
  const { stock, ...former } = previous as Partial<ProductFields> & { stock?: number }
  return { outcome: 'restored', edit: { before: row, fields: { ...fields, ...former }, stock } }
}

/** Undoes the changes of an import. Products that have changed since are kept; stock is set back by a movement. */
export const createProductUndo = ({ finder, bulk }: Deps) => {
  const undoTogether = async (changes: readonly ImportChange[], actor: Actor, tx: Tx): Promise<UndoResult[]> => {
    const ids = changes.map(({ subject }) => subject)
    const rows = new Map((await finder.findMany(ids, [], tx, 'any')).map((row) => [row.id, row]))
    const decisions = changes.map((change) => decideUndo(change, rows.get(change.subject)))
    const edits = decisions.flatMap((decision) => ('edit' in decision ? decision.edit : []))
    const written = await bulk.write(edits, reason, actor, tx)
    const versions = new Map(written.map(({ id, version }) => [id, version]))
    return decisions.map((decision, index): UndoResult => {
      const { subject, version } = changes[index] as ImportChange
      if ('kept' in decision) return { subject, outcome: 'kept', reason: decision.kept }
      return { subject, outcome: decision.outcome, version: versions.get(subject) ?? version }
    })
  }
  const undefinedOnConflict = (work: () => Promise<UndoResult[]>): Promise<UndoResult[] | undefined> =>
    work().catch((error: unknown) => {
      if (violatedConstraint(error) === undefined) throw error
      return undefined
    })

  /** Undoes all changes at once, or one by one if another product has a former SKU now. */
  return async (changes: readonly ImportChange[], actor: Actor, tx: Tx): Promise<UndoResult[]> => {
    const together = await undefinedOnConflict(() => withSavepoint(tx, (inner) => undoTogether(changes, actor, inner)))
    if (together) return together
    const results: UndoResult[] = []
    for (const change of changes) {
      const [alone] =
        (await undefinedOnConflict(() => withSavepoint(tx, (inner) => undoTogether([change], actor, inner)))) ?? []
      results.push(alone ?? { subject: change.subject, outcome: 'kept', reason: keptReasons.taken })
    }
    return results
  }
}
