import type { Db, Tx } from '@clientele/platform/data/db'
import { afterCommit } from '@clientele/platform/data/transaction'

const monthOf = (time: Date): string => `${time.toISOString().slice(0, 7)}-01`

/** Creates the partitions that events are recorded in. */
export const createPartitions = ({ db }: { db: Db }) => {
  const existing = new Set<string>()
  const create = async (month: string, tx?: Tx): Promise<void> => {
    await db.query('select create_partitions($1::date)', [month], { tx })
  }
  return {
    /** Makes sure that events of this time can be recorded in `tx`. */
    ensure: async (time: Date, tx: Tx): Promise<void> => {
      const month = monthOf(time)
      if (existing.has(month)) return
      await create(month, tx)
      afterCommit(tx, () => existing.add(month))
    },
    /** Creates the partitions of this and the next month. */
    createAhead: async (now = new Date()): Promise<void> => {
      await create(monthOf(now))
      await create(monthOf(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1))))
    },
  }
}
export type Partitions = ReturnType<typeof createPartitions>
