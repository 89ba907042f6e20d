import type { NewEvent } from '@clientele/contracts/event'
import type { Db, Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import type { CustomerRow, Customers } from './customer.model.ts'
import { bulkStatements } from './customer.statements.ts'

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
    insert: async (rows: readonly CustomerRow[], tx: Tx): Promise<boolean> => {
      if (rows.length === 0) return true
      const made = await db.query(statements.insert, statements.values(rows), { tx, name: 'customer_insert_many' })
      return made.length === rows.length
    },

    /** @throws where a unique value is somebody else's */
    update: async (rows: readonly CustomerRow[], tx: Tx): Promise<void> => {
      if (rows.length === 0) return
      const saved = await db.query(statements.update, statements.values(rows), { tx })
      if (saved.length !== rows.length) throw new Error('a customer to change is gone')
    },

    tell: (events: NewEvent[], tx: Tx): Promise<void> => outbox.addInBulk(tx, ...events),
  }
}
