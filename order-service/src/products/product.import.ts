import { mergeChanges, writeBatch } from '@clientele/features/imports/batch-writing'
import { findOwnKey } from '@clientele/features/imports/columns/sample-rows'
import type { ImportChange, ImportTarget, MatchOptions } from '@clientele/features/imports/import-target'
import { createKeySet } from '@clientele/features/imports/key-set'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Tx } from '@clientele/platform/data/db'
import { isRecordId } from '@clientele/platform/data/ids'
import type { ProductBulkWriter } from './product.bulk.ts'
import { currentFields, difference } from './product.change.ts'
import type { ProductFinder } from './product.finder.ts'
import { createProductCheck, importFields, type ProductInput } from './product.import-input.ts'
import { decimalFields } from './product.import-numbers.ts'
import { createPlan } from './product.import-plan.ts'
import type { ProductInputs } from './product.input.ts'
import { createProductUndo } from './product.undo.ts'

type Deps = { inputs: ProductInputs; finder: ProductFinder; bulk: ProductBulkWriter; shopCurrency: string }

const reason = 'import'

/** Splits rows into runs, each of which is planned and written at once. Within a run no two rows have the same key or SKU. */
const splitIntoRuns = (inputs: readonly ProductInput[]): ProductInput[][] => {
  const runs: ProductInput[][] = []
  let keysOfRun = new Set<string>()
  for (const input of inputs) {
    const keys = [input.key, input.patch.sku].filter((key) => typeof key === 'string')
    if (runs.length === 0 || keys.some((key) => keysOfRun.has(key))) {
      runs.push([])
      keysOfRun = new Set()
    }
    for (const key of keys) keysOfRun.add(key)
    runs.at(-1)?.push(input)
  }
  return runs
}

/** Imports products. Rows create products as POST does and change them as PATCH does; every change of stock is a movement. */
export const createProductImport = ({ inputs, finder, bulk, shopCurrency }: Deps): ImportTarget<ProductInput> => {
  const plan = createPlan(shopCurrency)
  const findExisting = (rows: readonly ProductInput[], { matchBy }: MatchOptions, tx?: Tx) => {
    const ids = rows.flatMap(({ key, ownId }) => (matchBy === 'id' ? key : ownId) ?? [])
    return finder.findMany(
      ids,
      rows.flatMap(({ patch }) => patch.sku ?? []),
      tx,
    )
  }

  const writeRows = async (rows: readonly ProductInput[], options: MatchOptions, actor: Actor, tx: Tx) => {
    // One statement locks all products in the order of their ids, as orders do; locking run by run could deadlock.
    await findExisting(rows, options, tx)
    const results = []
    const changes: ImportChange[] = []
    for (const run of splitIntoRuns(rows)) {
      const decisions = plan(run, options, await findExisting(run, options, tx))
      const edits = decisions.flatMap(({ edit }) => edit ?? [])
      const written = await bulk.write(edits, reason, actor, tx)
      results.push(...decisions.map(({ result }) => result))
      changes.push(
        ...edits.map(({ before, fields }, index): ImportChange => {
          const { id, version, stock } = written[index] as (typeof written)[number]
          if (!before) return { subject: id, created: true, base: null, version, edits: 0, previous: null }
          const moved = stock === before.stock ? {} : { stock: before.stock }
          const previous = { ...difference(currentFields(before), fields)?.previous, ...moved }
          return { subject: id, created: false, base: before.version, version, edits: 1, previous }
        }),
      )
    }
    return { results, changes: mergeChanges(changes) }
  }

  return {
    entity: 'products',
    fields: importFields,
    matchBy: ['sku', 'id'],
    decimals: decimalFields,
    suggestMatchBy: (mapping, samples) => findOwnKey(mapping, samples, { id: isRecordId }),
    check: createProductCheck(inputs, shopCurrency),
    show: ({ patch }) => patch,

    preview: async (rows, options, seen) => {
      for (const field of ['sku', 'id']) if (!seen.has(field)) seen.set(field, createKeySet())
      return plan(rows, options, await findExisting(rows, options), seen).map(({ result }) => result)
    },

    apply: async (rows, options, actor, tx) => {
      const parts = await writeBatch(tx, rows, (some, inner) => writeRows(some, options, actor, inner))
      return {
        results: parts.flatMap(({ results }) => results),
        changes: mergeChanges(parts.flatMap(({ changes }) => changes)),
      }
    },

    undo: createProductUndo({ finder, bulk }),
  }
}
