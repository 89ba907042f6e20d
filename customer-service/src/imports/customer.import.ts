import { customerCreated, customerUpdated } from '@clientele/contracts/customer'
import type { NewEvent } from '@clientele/contracts/event'
import { mergeChanges, writeBatch, writeInChunks } from '@clientele/features/imports/batch-writing'
import type { ImportChange, ImportTarget, MatchOptions, RowResult } from '@clientele/features/imports/import-target'
import { createKeySet } from '@clientele/features/imports/key-set'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import type { Tx } from '@clientele/platform/data/db'
import type { UserNames } from '@clientele/platform/data/user-names'
import type { BulkWriter } from '../customers/customer.bulk.ts'
import type { Finder, LookupField } from '../customers/customer.finder.ts'
import type { Inputs } from '../customers/customer.input.ts'
import { presentEventData } from '../customers/customer.presenter.ts'
import { type CustomerInput, createCustomerCheck, importFields, isMetadataField } from './customer.import-input.ts'
import { type ExistingData, type Plan, type PlannedCustomer, planBatch, uniqueFields } from './customer.import-plan.ts'
import { suggestCustomer, suggestMatchBy, warnOfSecondColumns } from './customer.import-suggest.ts'
import { customerPresets } from './customer.presets.ts'
import { createCustomerUndo } from './customer.undo.ts'

type Deps = { inputs: Inputs; finder: Finder; bulk: BulkWriter; userNames: UserNames }

const dryRunActor: Actor = { id: 'dry-run', displayName: '', roles: [], token: '' }
const distinctTexts = (values: (string | null | undefined)[]): string[] => [
  ...new Set(values.filter((value) => typeof value === 'string')),
]

/**
 * The import of customers. A row whose match key belongs to a customer updates it as PATCH does. Any other row creates one as
 * POST does.
 */
export const createCustomerImport = ({ inputs, finder, bulk, userNames }: Deps): ImportTarget<CustomerInput> => {
  const readExisting = async (
    rows: readonly CustomerInput[],
    { matchBy }: MatchOptions,
    tx?: Tx,
  ): Promise<ExistingData> => {
    const emails = distinctTexts(rows.map(({ patch }) => patch.email))
    const externalIds = distinctTexts(rows.map(({ patch }) => patch.externalId))
    const ids = matchBy === 'id' ? [] : distinctTexts(rows.map(({ own }) => own.id))
    const codes = matchBy === 'code' ? [] : distinctTexts(rows.map(({ own }) => own.code))
    // Unique values are read first. A customer that another request creates after that is then found as a match below. In the
    // other order it would not match, and the row would fail because the customer has its e-mail.
    const uniqueValues = await finder.findUniqueValues({ emails, externalIds, ids, codes }, tx)
    const isUnique = uniqueFields.some((field) => field === matchBy)
    const noneMatches = isUnique && !uniqueValues.some(({ field }) => field === matchBy)
    const keys = noneMatches ? [] : distinctTexts(rows.map(({ key }) => key))
    const matched = keys.length === 0 ? [] : await finder.findMany(matchBy as LookupField, keys, 'active', tx)
    return { matched, uniqueValues }
  }

  const eventsOf = ({ versions }: PlannedCustomer, actor: Actor): NewEvent[] =>
    versions.map(({ row, change }) =>
      change
        ? customerUpdated.of(presentEventData(row), actorRef(actor), change)
        : customerCreated.of(presentEventData(row), actorRef(actor)),
    )

  const toImportChange = ({ row, isNew, versions }: PlannedCustomer): ImportChange => ({
    subject: row.id,
    created: isNew,
    base: isNew ? null : row.version - versions.length,
    version: row.version,
    edits: versions.length - (isNew ? 1 : 0),
    // Reversed, so that the value before the first change wins.
    previous: isNew ? null : Object.assign({}, ...versions.map(({ change }) => change?.previous ?? {}).reverse()),
  })

  /** @returns false if a unique value was taken in the meantime; the caller must then roll back */
  const writePlan = async ({ customers }: Plan, actor: Actor, tx: Tx): Promise<boolean> => {
    const created = customers.filter(({ isNew }) => isNew)
    const updated = customers.filter(({ isNew }) => !isNew)
    const codes = created.length === 0 ? [] : await bulk.nextCodes(created.length, tx)
    for (const [index, { row, versions }] of created.entries())
      for (const version of [row, ...versions.map((version) => version.row)]) version.code = codes[index] ?? ''
    const rowsOf = (chunk: readonly PlannedCustomer[]) => chunk.map(({ row }) => row)
    const addEvents = (chunk: readonly PlannedCustomer[]) =>
      bulk.addEvents(
        chunk.flatMap((customer) => eventsOf(customer, actor)),
        tx,
      )
    await writeInChunks(updated, async (chunk) => {
      await bulk.update(rowsOf(chunk), tx)
      await addEvents(chunk)
    })
    const inserted = await writeInChunks(created, async (chunk) => {
      const isComplete = await bulk.insert(rowsOf(chunk), tx)
      if (isComplete) await addEvents(chunk)
      return isComplete
    })
    return !inserted.includes(false)
  }

  /** @returns undefined if a unique value was taken in the meantime; the caller must then roll back */
  const importRows = async (rows: readonly CustomerInput[], options: MatchOptions, actor: Actor, tx: Tx) => {
    const plan = planBatch(rows, options, actor, await readExisting(rows, options, tx))
    if (!(await writePlan(plan, actor, tx))) return undefined
    return { results: plan.results, changes: plan.customers.map(toImportChange) }
  }

  return {
    entity: 'customers',
    takesContacts: true,
    fields: importFields,
    acceptsField: isMetadataField,
    matchBy: ['email', 'id', 'code', 'phone', 'externalId'],
    presets: customerPresets,
    suggest: suggestCustomer,
    suggestMatchBy,
    warn: warnOfSecondColumns,
    check: createCustomerCheck(inputs),
    show: ({ patch }) => patch,

    preview: async (rows, options, seen): Promise<RowResult[]> => {
      for (const field of [...uniqueFields, options.matchBy]) if (!seen.has(field)) seen.set(field, createKeySet())
      return planBatch(rows, options, dryRunActor, { ...(await readExisting(rows, options)), seen }).results
    },

    apply: async (rows, options, actor, tx) => {
      const editor = await userNames.withCurrentName(actor, tx)
      const parts = await writeBatch(tx, rows, (part, inner) => importRows(part, options, editor, inner))
      return {
        results: parts.flatMap(({ results }) => results),
        changes: mergeChanges(parts.flatMap(({ changes }) => changes)),
      }
    },

    undo: createCustomerUndo({ finder, bulk, userNames }),
  }
}
