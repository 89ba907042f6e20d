import type { NewEvent } from '@clientele/contracts/event'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import type { CustomerRow } from './customer.model.ts'
import { isPerson } from './customer.stamp.ts'
import { insertMany, manyValues, updateMany } from './customer.statements.ts'

/** A row to store; `edits`: how often it was made or changed on the way. */
export type Edited = { row: CustomerRow; edits: number }

export type BulkWriter = ReturnType<typeof createBulkWriter>

/** Many customers in a statement, in the caller's transaction. Rows to change are locked; events come after the rows. */
export const createBulkWriter = ({ db }: { db: Db }) => ({
  codes: async (count: number, tx: Tx): Promise<string[]> => {
    const sql = 'select next_customer_code() as code from generate_series(1, $1::integer)'
    return (await db.query<{ code: string }>(sql, [count], { tx, name: 'customer_codes' })).map(({ code }) => code)
  },

  /** @returns false where somebody else has a unique value of one of them: nothing of it may be committed */
  insert: async (rows: readonly Edited[], actor: Actor, tx: Tx): Promise<boolean> => {
    if (rows.length === 0) return true
    const made = await db.query(insertMany, manyValues(rows, isPerson(actor)), { tx, name: 'customer_insert_many' })
    return made.length === rows.length
  },

  /** @throws where a unique value is somebody else's */
  update: async (rows: readonly Edited[], actor: Actor, tx: Tx): Promise<void> => {
    if (rows.length === 0) return
    const saved = await db.query(updateMany, manyValues(rows, isPerson(actor)), { tx })
    if (saved.length !== rows.length) throw new Error('a customer to change is gone')
  },

  tell: (events: NewEvent[], tx: Tx): Promise<void> => outbox.addInBulk(tx, ...events),
})
