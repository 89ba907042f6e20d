import { merged, resilient } from '@clientele/features/imports/batch-writing'
import type { ImportChange, ImportTarget, Taking } from '@clientele/features/imports/import-target'
import { createKeySet } from '@clientele/features/imports/key-set'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Tx } from '@clientele/platform/data/db'
import type { BulkWriter } from './product.bulk.ts'
import { currentFields, difference } from './product.change.ts'
import type { ProductFinder } from './product.finder.ts'
import { importFields, type ProductInput, productCheck } from './product.import-input.ts'
import { createPlan } from './product.import-plan.ts'
import type { Inputs } from './product.input.ts'
import { createProductUndo } from './product.undo.ts'

type Deps = { inputs: Inputs; finder: ProductFinder; bulk: BulkWriter; shopCurrency: string }

const reason = 'import'

/** Runs of rows in which none names what another one of the run names: each run is written at once. */
const runsOf = (inputs: readonly ProductInput[]): ProductInput[][] => {
  const runs: ProductInput[][] = []
  let named = new Set<string>()
  for (const input of inputs) {
    const names = [input.key, input.patch.sku].filter((name) => typeof name === 'string')
    if (runs.length === 0 || names.some((name) => named.has(name))) {
      runs.push([])
      named = new Set()
    }
    for (const name of names) named.add(name)
    runs.at(-1)?.push(input)
  }
  return runs
}

/** Products from files: made as POST does, changed as PATCH does, with every change of stock in the ledger. */
export const createProductImport = ({ inputs, finder, bulk, shopCurrency }: Deps): ImportTarget<ProductInput> => {
  const plan = createPlan(shopCurrency)
  const known = (rows: readonly ProductInput[], { matchBy }: Taking, tx?: Tx) => {
    const ids = matchBy === 'id' ? rows.flatMap(({ key }) => key ?? []) : []
    return finder.many(
      ids,
      rows.flatMap(({ patch }) => patch.sku ?? []),
      tx,
    )
  }

  const once = async (rows: readonly ProductInput[], taking: Taking, actor: Actor, tx: Tx) => {
    // Locked all at once, in the order in which carts lock them.
    await known(rows, taking, tx)
    const results = []
    const changes: ImportChange[] = []
    for (const run of runsOf(rows)) {
      const decisions = plan(run, taking, await known(run, taking, tx))
      const edits = decisions.flatMap(({ edit }) => edit ?? [])
      const written = await bulk.write(edits, reason, actor, tx)
      results.push(...decisions.map(({ result }) => result))
      changes.push(
        ...edits.map(({ before, fields }, index): ImportChange => {
          const { id, version, stock } = written[index] as (typeof written)[number]
          if (!before) return { subject: id, created: true, version, edits: 0, previous: null }
          const moved = stock === before.stock ? {} : { stock: before.stock }
          const previous = { ...difference(currentFields(before), fields)?.previous, ...moved }
          return { subject: id, created: false, version, edits: 1, previous }
        }),
      )
    }
    return { results, changes: merged(changes) }
  }

  return {
    entity: 'products',
    fields: importFields,
    matchBy: ['sku', 'id'],
    check: productCheck(inputs),

    foresee: async (rows, taking, seen) => {
      for (const key of ['sku', 'id']) if (!seen.has(key)) seen.set(key, createKeySet())
      return plan(rows, taking, await known(rows, taking), seen).map(({ result }) => result)
    },

    apply: async (rows, taking, actor, tx) => {
      const parts = await resilient(tx, rows, (some, inner) => once(some, taking, actor, inner))
      return {
        results: parts.flatMap(({ results }) => results),
        changes: merged(parts.flatMap(({ changes }) => changes)),
      }
    },

    undo: createProductUndo({ finder, bulk }),
  }
}
