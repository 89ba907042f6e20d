import { customerCreated, customerUpdated } from '@clientele/contracts/customer'
import type { NewEvent } from '@clientele/contracts/event'
import { merged, resilient, writeInChunks } from '@clientele/features/imports/batch-writing'
import type { ImportChange, ImportTarget, RowResult, Taking } from '@clientele/features/imports/import-target'
import { createKeySet } from '@clientele/features/imports/key-set'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import type { Tx } from '@clientele/platform/data/db'
import type { BulkWriter } from '../customers/customer.bulk.ts'
import type { Finder, ManyBy } from '../customers/customer.finder.ts'
import type { Inputs } from '../customers/customer.input.ts'
import { presentEvent } from '../customers/customer.presenter.ts'
import type { UserNames } from '../users/user-name.projection.ts'
import { type CustomerInput, customerCheck, importFields, takesMetadata } from './customer.import-input.ts'
import { type Known, type Plan, planBatch, uniqueFields, type Worked } from './customer.import-plan.ts'
import { suggestCustomer } from './customer.import-suggest.ts'
import { createCustomerUndo } from './customer.undo.ts'

type Deps = { inputs: Inputs; finder: Finder; bulk: BulkWriter; userNames: UserNames }

const nobody: Actor = { id: 'dry-run', displayName: '', roles: [], token: '' }
const texts = (values: (string | null | undefined)[]): string[] => [
  ...new Set(values.filter((value) => typeof value === 'string')),
]

/** Customers from files. A row with a match key that a customer has changes it as PATCH does; the others are made as POST does. */
export const createCustomerImport = ({ inputs, finder, bulk, userNames }: Deps): ImportTarget<CustomerInput> => {
  const known = async (rows: readonly CustomerInput[], { matchBy }: Taking, tx?: Tx): Promise<Known> => {
    const emails = texts(rows.map(({ patch }) => patch.email))
    const externalIds = texts(rows.map(({ patch }) => patch.externalId))
    // First who has the values: whoever comes in between is then matched, and not taken for a stranger.
    const holders = await finder.holders(emails, externalIds, tx)
    const isUnique = uniqueFields.some((field) => field === matchBy)
    const nobodyHas = isUnique && !holders.some(({ field }) => field === matchBy)
    const keys = nobodyHas ? [] : texts(rows.map(({ key }) => key))
    const matched = keys.length === 0 ? [] : await finder.many(matchBy as ManyBy, keys, 'active', tx)
    return { matched, holders }
  }

  const eventsOf = ({ steps }: Worked, actor: Actor): NewEvent[] =>
    steps.map(({ row, change }) =>
      change
        ? customerUpdated.of(presentEvent(row), actorRef(actor), change)
        : customerCreated.of(presentEvent(row), actorRef(actor)),
    )

  const changeOf = ({ row, made, steps }: Worked): ImportChange => ({
    subject: row.id,
    created: made,
    version: row.version,
    edits: steps.length - (made ? 1 : 0),
    previous: made ? null : Object.assign({}, ...steps.map(({ change }) => change?.previous ?? {}).reverse()),
  })

  const write = async ({ worked }: Plan, actor: Actor, tx: Tx): Promise<boolean> => {
    const made = worked.filter((each) => each.made)
    const codes = made.length === 0 ? [] : await bulk.codes(made.length, tx)
    for (const [index, { row, steps }] of made.entries())
      for (const version of [row, ...steps.map((step) => step.row)]) version.code = codes[index] ?? ''
    const rowsOf = (some: readonly Worked[]) => some.map(({ row }) => row)
    const tell = (some: readonly Worked[]) =>
      bulk.tell(
        some.flatMap((each) => eventsOf(each, actor)),
        tx,
      )
    const changed = worked.filter((each) => !each.made)
    await writeInChunks(changed, async (some) => {
      await bulk.update(rowsOf(some), tx)
      await tell(some)
    })
    const inserted = await writeInChunks(made, async (some) => {
      const isWhole = await bulk.insert(rowsOf(some), tx)
      if (isWhole) await tell(some)
      return isWhole
    })
    return !inserted.includes(false)
  }

  const once = async (rows: readonly CustomerInput[], taking: Taking, actor: Actor, tx: Tx) => {
    const plan = planBatch(rows, taking, actor, await known(rows, taking, tx))
    if (!(await write(plan, actor, tx))) return undefined
    return { results: plan.results, changes: plan.worked.map(changeOf) }
  }

  return {
    entity: 'customers',
    fields: importFields,
    takes: takesMetadata,
    matchBy: ['email', 'id', 'code', 'phone', 'externalId'],
    suggest: suggestCustomer,
    check: customerCheck(inputs),

    foresee: async (rows, taking, seen): Promise<RowResult[]> => {
      for (const field of [...uniqueFields, taking.matchBy]) if (!seen.has(field)) seen.set(field, createKeySet())
      return planBatch(rows, taking, nobody, { ...(await known(rows, taking)), seen }).results
    },

    apply: async (rows, taking, actor, tx) => {
      const who = await userNames.inActor(actor, tx)
      const parts = await resilient(tx, rows, (some, inner) => once(some, taking, who, inner))
      return {
        results: parts.flatMap(({ results }) => results),
        changes: merged(parts.flatMap(({ changes }) => changes)),
      }
    },

    undo: createCustomerUndo({ finder, bulk, userNames }),
  }
}
