import { customerDeleted, customerRestored, customerUpdated } from '@clientele/contracts/customer'
import type { NewEvent } from '@clientele/contracts/event'
import type { RowProblem } from '@clientele/features/imports/import-target'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import { Problem } from '@clientele/platform/runtime/problem'
import { applyPatch, type CustomerFields, currentFields, difference, uniqueTags } from '../customers/customer.change.ts'
import type { CustomerRow } from '../customers/customer.model.ts'
import { presentEventData } from '../customers/customer.presenter.ts'
import { nextVersion } from '../customers/customer.row.ts'
import type { JobChange } from './bulk.input.ts'
import type { ChangedCustomer } from './bulk.store.ts'

/** The next version of a customer with its event. */
export type PlannedChange = { row: CustomerRow; event: NewEvent; changed: ChangedCustomer }
/** What a job does with a customer: it writes a change, finds nothing to change, or fails. */
export type Planned = { change: PlannedChange } | { problem: RowProblem } | undefined

type FieldChange = Exclude<JobChange, { op: 'delete' | 'restore' }>

const editedFields = (row: CustomerRow, change: FieldChange): CustomerFields => {
  const fields = currentFields(row)
  if (change.op === 'update') return applyPatch(row, change.data)
  if (change.op === 'renameTag') {
    const tags = row.tags.map((tag) => (tag === change.from ? change.to : tag))
    return { ...fields, tags: uniqueTags(tags) }
  }
  const { add = [], remove = [] } = change
  return { ...fields, tags: uniqueTags([...row.tags, ...add].filter((tag) => !remove.includes(tag))) }
}

const planFields = (row: CustomerRow, change: FieldChange, actor: Actor): Planned => {
  const fields = editedFields(row, change)
  const changes = difference(row, fields)
  if (!changes) return undefined
  const next = { ...nextVersion(row, actor), ...fields }
  const changed = { subject: row.id, version: next.version, previous: changes.previous }
  return { change: { row: next, event: customerUpdated.of(presentEventData(next), actorRef(actor), changes), changed } }
}

const planMove = (row: CustomerRow, op: 'delete' | 'restore', actor: Actor): Planned => {
  const next = { ...nextVersion(row, actor), deletedAt: op === 'delete' ? new Date() : null }
  const event = (op === 'delete' ? customerDeleted : customerRestored).of(presentEventData(next), actorRef(actor))
  const previous = { deletedAt: row.deletedAt?.toISOString() ?? null }
  return { change: { row: next, event, changed: { subject: row.id, version: next.version, previous } } }
}

/** Plans the change of one customer. */
export const planChange = (row: CustomerRow, change: JobChange, actor: Actor): Planned => {
  if (change.op === 'delete' || change.op === 'restore') return planMove(row, change.op, actor)
  try {
    return planFields(row, change, actor)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const [first] = error.options.errors ?? []
    return { problem: { code: first?.code ?? error.code, message: error.options.detail ?? error.message } }
  }
}
