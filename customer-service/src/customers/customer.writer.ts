import {
  customerCreated,
  customerDeleted,
  customerPurged,
  customerRestored,
  customerUpdated,
} from '@clientele/contracts/customer'
import type { NewEvent } from '@clientele/contracts/event'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { UserNames } from '@clientele/platform/data/user-names'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { type CustomerFields, currentFields, difference } from './customer.change.ts'
import type { CustomerRow, Customers } from './customer.model.ts'
import { presentEventData, presentPurgedData } from './customer.presenter.ts'
import { newCustomerRow, nextVersion } from './customer.row.ts'
import { nextCode, recordStatements } from './customer.statements.ts'

type Deps = { db: Db; model: Customers; userNames: UserNames }

export type Writer = ReturnType<typeof createWriter>

/** Makes the event of a change from the next version of the customer. */
type ToEvent = (next: CustomerRow) => NewEvent

/**
 * Writes every change of a customer with its event, by one statement. With `tx` it is part of the caller's transaction, which has
 * locked the row.
 */
export const createWriter = ({ db, model, userNames }: Deps) => {
  const statements = recordStatements(model)

  /** Stores the next version and returns it; undefined if the stored version is no longer that of `row`. */
  const save = async (
    row: CustomerRow,
    changes: Partial<CustomerRow>,
    { actor, tx, toEvent }: { actor: Actor; tx: Tx | undefined; toEvent: ToEvent },
  ): Promise<CustomerRow | undefined> => {
    const next = { ...nextVersion(row, await userNames.withCurrentName(actor, tx)), ...changes }
    return (await outbox.addWith(db, statements.update(next), toEvent(next), tx)) ? next : undefined
  }

  /** As `save`, for a row that the caller has locked. */
  const saveLocked = async (...args: Parameters<typeof save>): Promise<CustomerRow> => {
    const next = await save(...args)
    if (!next) throw new Error('the customer was not locked')
    return next
  }

  return {
    insert: async (
      fields: CustomerFields,
      actor: Actor,
      { tx, userId = null }: { tx?: Tx; userId?: string | null } = {},
    ): Promise<CustomerRow> => {
      const [next] = await db.query<{ code: string }>(nextCode, [], { tx, name: 'customer_next_code' })
      if (!next) throw new Error('the database returned no customer code')
      const row = newCustomerRow(fields, await userNames.withCurrentName(actor, tx), { code: next.code, userId })
      const event = customerCreated.of(presentEventData(row), actorRef(actor))
      await outbox.addWith(db, statements.insert(row), event, tx)
      return row
    },

    /**
     * Changes fields. Writes and publishes nothing if no field differs.
     * @returns undefined if somebody else has changed the customer since it was read
     */
    update: async (
      row: CustomerRow,
      edit: Partial<CustomerFields>,
      actor: Actor,
      tx?: Tx,
    ): Promise<CustomerRow | undefined> => {
      const change = difference(row, { ...currentFields(row), ...edit })
      if (!change) return row
      const toEvent: ToEvent = (next) => customerUpdated.of(presentEventData(next), actorRef(actor), change)
      return save(row, edit, { actor, tx, toEvent })
    },

    delete: (row: CustomerRow, actor: Actor, tx: Tx): Promise<CustomerRow> => {
      const toEvent: ToEvent = (next) => customerDeleted.of(presentEventData(next), actorRef(actor))
      return saveLocked(row, { deletedAt: new Date() }, { actor, tx, toEvent })
    },

    restore: (row: CustomerRow, actor: Actor, tx: Tx): Promise<CustomerRow> => {
      const toEvent: ToEvent = (next) => customerRestored.of(presentEventData(next), actorRef(actor))
      return saveLocked(row, { deletedAt: null }, { actor, tx, toEvent })
    },

    purge: async (row: CustomerRow, actor: Actor, tx: Tx): Promise<void> => {
      const last = nextVersion(row, await userNames.withCurrentName(actor, tx))
      await model.destroy({ where: { id: row.id }, transaction: tx })
      await outbox.add(tx, customerPurged.of(presentPurgedData(presentEventData(last)), actorRef(actor)))
    },
  }
}
