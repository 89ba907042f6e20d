import {
  customerCreated,
  customerDeleted,
  customerPurged,
  customerRestored,
  customerUpdated,
} from '@clientele/contracts/customer'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { UserNames } from '@clientele/platform/data/user-names'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { type CustomerFields, currentFields, difference } from './customer.change.ts'
import type { CustomerRow, Customers } from './customer.model.ts'
import { presentEventData, presentPurgedData } from './customer.presenter.ts'
import { newCustomerRow, nextVersion } from './customer.row.ts'
import { nextCode, searchText } from './customer.statements.ts'

type Deps = { db: Db; model: Customers; userNames: UserNames }

export type Writer = ReturnType<typeof createWriter>

/** Writes every change of a customer and its event, in the caller's transaction. The caller has locked the row. */
export const createWriter = ({ db, model, userNames }: Deps) => {
  /** Stores the next version and returns it. */
  const save = async (row: CustomerRow, changes: Partial<CustomerRow>, actor: Actor, tx: Tx): Promise<CustomerRow> => {
    const next = { ...nextVersion(row, await userNames.withCurrentName(actor, tx)), ...changes }
    const { updatedAt, updatedBy, updatedByName, version } = next
    await model.update(
      { ...changes, updatedAt, updatedBy, updatedByName, version, searchText: searchText(next) },
      { where: { id: row.id }, transaction: tx },
    )
    return next
  }

  const setDeletedAt = async (row: CustomerRow, deletedAt: Date | null, actor: Actor, tx: Tx): Promise<CustomerRow> => {
    const next = await save(row, { deletedAt }, actor, tx)
    const event = deletedAt === null ? customerRestored : customerDeleted
    await outbox.add(tx, event.of(presentEventData(next), actorRef(actor)))
    return next
  }

  return {
    insert: async (
      fields: CustomerFields,
      actor: Actor,
      tx: Tx,
      userId: string | null = null,
    ): Promise<CustomerRow> => {
      const [next] = await db.query<{ code: string }>(nextCode, [], { tx, name: 'customer_next_code' })
      if (!next) throw new Error('the database returned no customer code')
      const row = newCustomerRow(fields, await userNames.withCurrentName(actor, tx), { code: next.code, userId })
      await model.create({ ...row, searchText: searchText(row) }, { transaction: tx })
      await outbox.add(tx, customerCreated.of(presentEventData(row), actorRef(actor)))
      return row
    },

    /** Changes fields. Writes and publishes nothing if no field differs. */
    update: async (row: CustomerRow, edit: Partial<CustomerFields>, actor: Actor, tx: Tx): Promise<CustomerRow> => {
      const change = difference(row, { ...currentFields(row), ...edit })
      if (!change) return row
      const next = await save(row, edit, actor, tx)
      await outbox.add(tx, customerUpdated.of(presentEventData(next), actorRef(actor), change))
      return next
    },

    delete: (row: CustomerRow, actor: Actor, tx: Tx): Promise<CustomerRow> => setDeletedAt(row, new Date(), actor, tx),

    restore: (row: CustomerRow, actor: Actor, tx: Tx): Promise<CustomerRow> => setDeletedAt(row, null, actor, tx),

    purge: async (row: CustomerRow, actor: Actor, tx: Tx): Promise<void> => {
      const last = nextVersion(row, await userNames.withCurrentName(actor, tx))
      await model.destroy({ where: { id: row.id }, transaction: tx })
      await outbox.add(tx, customerPurged.of(presentPurgedData(presentEventData(last)), actorRef(actor)))
    },
  }
}
