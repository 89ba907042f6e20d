import {
  customerCreated,
  customerDeleted,
  customerPurged,
  customerRestored,
  customerUpdated,
} from '@clientele/contracts/customer'
import { type Actor, actorRef } from '@clientele/platform/auth'
import { type Db, newId, type Tx } from '@clientele/platform/db'
import { outbox } from '@clientele/platform/outbox'
import type { UserNames } from '../people/user-name.ts'
import { type CustomerFields, currentFields, difference, searchTextOf } from './customer.change.ts'
import type { Editors } from './customer.editors.ts'
import type { CustomerModel, CustomerRow } from './customer.model.ts'
import { presentEvent, presentPurged } from './customer.presenter.ts'

type Deps = { db: Db; model: CustomerModel; editors: Editors; userNames: UserNames }

export type Writer = ReturnType<typeof createWriter>

/** Every change of a customer, with its editor and its event, in the caller's transaction. Rows to change are locked. */
export const createWriter = ({ db, model, editors, userNames }: Deps) => {
  const eventOf = async (row: CustomerRow, tx: Tx) =>
    presentEvent(row, await userNames.of([row.createdBy, row.updatedBy], tx))

  const stamp = (actor: Actor, at: Date) => ({ updatedAt: at, updatedBy: actor.id, updatedByName: actor.displayName })
  const stamped = (row: CustomerRow, actor: Actor): CustomerRow => ({
    ...row,
    ...stamp(actor, new Date()),
    version: row.version + 1,
  })

  const nextCode = async (tx: Tx): Promise<string> => {
    const sql = 'select next_customer_code() as code'
    const [row] = await db.query<{ code: string }>(sql, [], { tx, name: 'customer_code' })
    if (!row) throw new Error('no code for a customer')
    return row.code
  }

  const save = async (row: CustomerRow, actor: Actor, tx: Tx): Promise<void> => {
    const { id, ...values } = row
    await model.update(values, { where: { id }, transaction: tx })
    await editors.record(id, actor, row.updatedAt, tx)
  }

  const move = async (row: CustomerRow, deletedAt: Date | null, actor: Actor, tx: Tx): Promise<CustomerRow> => {
    const next = { ...stamped(row, actor), deletedAt }
    await save(next, actor, tx)
    const event = deletedAt === null ? customerRestored : customerDeleted
    await outbox.add(tx, event.of(await eventOf(next, tx), actorRef(actor)))
    return next
  }

  return {
    insert: async (
      fields: CustomerFields,
      actor: Actor,
      tx: Tx,
      userId: string | null = null,
    ): Promise<CustomerRow> => {
      const code = await nextCode(tx)
      const now = new Date()
      const row: CustomerRow = {
        ...fields,
        id: newId(),
        code,
        userId,
        searchText: searchTextOf({ ...fields, code }),
        createdAt: now,
        createdBy: actor.id,
        createdByName: actor.displayName,
        ...stamp(actor, now),
        deletedAt: null,
        version: 1,
      }
      await model.create(row, { transaction: tx })
      await editors.record(row.id, actor, now, tx)
      await outbox.add(tx, customerCreated.of(await eventOf(row, tx), actorRef(actor)))
      return row
    },

    /** Changes fields; nothing is written or told where nothing differs. */
    apply: async (row: CustomerRow, edit: Partial<CustomerFields>, actor: Actor, tx: Tx): Promise<CustomerRow> => {
      const fields = { ...currentFields(row), ...edit }
      const change = difference(row, fields)
      if (!change) return row
      const next = { ...stamped(row, actor), ...fields, searchText: searchTextOf({ ...fields, code: row.code }) }
      await save(next, actor, tx)
      await outbox.add(tx, customerUpdated.of(await eventOf(next, tx), actorRef(actor), change))
      return next
    },

    trash: (row: CustomerRow, actor: Actor, tx: Tx): Promise<CustomerRow> => move(row, new Date(), actor, tx),

    restore: (row: CustomerRow, actor: Actor, tx: Tx): Promise<CustomerRow> => move(row, null, actor, tx),

    erase: async (row: CustomerRow, actor: Actor, tx: Tx): Promise<void> => {
      const last = stamped(row, actor)
      await model.destroy({ where: { id: row.id }, transaction: tx })
      await outbox.add(tx, customerPurged.of(presentPurged(await eventOf(last, tx)), actorRef(actor)))
    },
  }
}
