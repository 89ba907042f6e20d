import type { NewEvent } from '@clientele/contracts/event'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import type { Customers } from './customer.model.ts'
import { isPerson } from './customer.stamp.ts'
import { bulkStatements, type Edited } from './customer.statements.ts'

export type BulkWriter = ReturnType<typeof createBulkWriter>

/** Many customers in a statement, in the caller's transaction. Rows to change are locked; events come after the rows. */
export const createBulkWriter = ({ db, model }: { db: Db; model: Customers }) => {
  const statements = bulkStatements(model)
  return {
    codes: async (count: number, tx: Tx): Promise<string[]> => {
      const sql = 'select next_customer_code() as code from generate_series(1, $1::integer)'
      return (await db.query<{ code: string }>(sql, [count], { tx, name: 'customer_codes' })).map(({ code }) => code)
    },

    /** @returns false where somebody else has a unique value of one of them: nothing of it may be committed */
    insert: async (edited: readonly Edited[], actor: Actor, tx: Tx): Promise<boolean> => {
      if (edited.length === 0) return true
      const values = statements.values(edited, isPerson(actor))
      const made = await db.query(statements.insert, values, { tx, name: 'customer_insert_many' })
      return made.length === edited.length
    },

    /** @throws where a unique value is somebody else's */
    update: async (edited: readonly Edited[], actor: Actor, tx: Tx): Promise<void> => {
      if (edited.length === 0) return
      const saved = await db.query(statements.update, statements.values(edited, isPerson(actor)), { tx })
      if (saved.length !== edited.length) throw new Error('a customer to change is gone')
    },

    tell: (events: NewEvent[], tx: Tx): Promise<void> => outbox.addInBulk(tx, ...events),
  }
}
