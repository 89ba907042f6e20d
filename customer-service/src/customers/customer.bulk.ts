import type { NewEvent } from '@clientele/contracts/event'
import type { Db, Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import type { CustomerRow, Customers } from './customer.model.ts'
import { bulkStatements } from './customer.statements.ts'

export type BulkWriter = ReturnType<typeof createBulkWriter>

/**
 * Writes many customers with one statement, in the caller's transaction. The caller has locked the rows to update, and adds
 * the events after the rows.
 */
export const createBulkWriter = ({ db, model }: { db: Db; model: Customers }) => {
  const statements = bulkStatements(model)
  return {
    nextCodes: async (count: number, tx: Tx): Promise<string[]> => {
      const sql = 'select next_customer_code() as code from generate_series(1, $1::integer)'
      return (await db.query<{ code: string }>(sql, [count], { tx, name: 'customer_codes' })).map(({ code }) => code)
    },

    /** @returns false if another customer has a unique value of one of the rows; the caller must then roll back */
    insert: async (rows: readonly CustomerRow[], tx: Tx): Promise<boolean> => {
      if (rows.length === 0) return true
      const inserted = await db.query(statements.insert, statements.values(rows), { tx, name: 'customer_insert_many' })
      return inserted.length === rows.length
    },

    /** @throws Error if another customer has a unique value of one of the rows */
    update: async (rows: readonly CustomerRow[], tx: Tx): Promise<void> => {
      if (rows.length === 0) return
      const updated = await db.query(statements.update, statements.values(rows), { tx })
      if (updated.length !== rows.length) throw new Error('a customer to update was not found')
    },

    addEvents: (events: NewEvent[], tx: Tx): Promise<void> => outbox.addInBulk(tx, ...events),
  }
}
