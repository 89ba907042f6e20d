import {
  customerCreated,
  customerDeleted,
  customerPurged,
  customerRestored,
  customerUpdated,
} from '@clientele/contracts/customer'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import type { UserNames } from '../users/user-name.projection.ts'
import { type CustomerFields, currentFields, difference } from './customer.change.ts'
import type { CustomerModel, CustomerRow } from './customer.model.ts'
import { presentEvent, presentPurged } from './customer.presenter.ts'
import { begun, isPerson, stamped } from './customer.stamp.ts'
import { insert, insertValues, update, updateValues } from './customer.statements.ts'

type Deps = { db: Db; model: CustomerModel; userNames: UserNames }

export type Writer = ReturnType<typeof createWriter>

/** Every change of a customer, with its editor and its event, in the caller's transaction. Rows to change are locked. */
export const createWriter = ({ db, model, userNames }: Deps) => {
  /** Stores all that may have changed. @returns the row with the editor's current name */
  const save = async (row: CustomerRow, actor: Actor, tx: Tx): Promise<CustomerRow> => {
    const [saved] = await db.query<{ name: string | null }>(update, updateValues(row, isPerson(actor)), {
      tx,
      name: 'customer_update',
    })
    if (!saved) throw new Error('the customer to change is gone')
    return { ...row, updatedByName: saved.name ?? row.updatedByName }
  }

  const move = async (row: CustomerRow, deletedAt: Date | null, actor: Actor, tx: Tx): Promise<CustomerRow> => {
    const next = await save({ ...stamped(row, actor), deletedAt }, actor, tx)
    const event = deletedAt === null ? customerRestored : customerDeleted
    await outbox.add(tx, event.of(presentEvent(next), actorRef(actor)))
    return next
  }

  return {
    insert: async (
      fields: CustomerFields,
      actor: Actor,
      tx: Tx,
      userId: string | null = null,
    ): Promise<CustomerRow> => {
      const made = begun(fields, actor, userId)
      const values = insertValues(made, isPerson(actor))
      const [answer] = await db.query<{ code: string; name: string | null }>(insert, values, {
        tx,
        name: 'customer_insert',
      })
      if (!answer) throw new Error('no customer was made')
      const name = answer.name ?? actor.displayName
      const row = { ...made, code: answer.code, createdByName: name, updatedByName: name }
      await outbox.add(tx, customerCreated.of(presentEvent(row), actorRef(actor)))
      return row
    },

    /** Changes fields; nothing is written or told where nothing differs. */
    apply: async (row: CustomerRow, edit: Partial<CustomerFields>, actor: Actor, tx: Tx): Promise<CustomerRow> => {
      const fields = { ...currentFields(row), ...edit }
      const change = difference(row, fields)
      if (!change) return row
      const next = await save({ ...stamped(row, actor), ...fields }, actor, tx)
      await outbox.add(tx, customerUpdated.of(presentEvent(next), actorRef(actor), change))
      return next
    },

    trash: (row: CustomerRow, actor: Actor, tx: Tx): Promise<CustomerRow> => move(row, new Date(), actor, tx),

    restore: (row: CustomerRow, actor: Actor, tx: Tx): Promise<CustomerRow> => move(row, null, actor, tx),

    erase: async (row: CustomerRow, actor: Actor, tx: Tx): Promise<void> => {
      const names = await userNames.of([actor.id], tx)
      const last = { ...stamped(row, actor), updatedByName: names.get(actor.id) ?? actor.displayName }
      await model.destroy({ where: { id: row.id }, transaction: tx })
      await outbox.add(tx, customerPurged.of(presentPurged(presentEvent(last)), actorRef(actor)))
    },
  }
}
