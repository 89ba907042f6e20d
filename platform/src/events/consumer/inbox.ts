import type { Db, Tx } from '../../data/db.ts'

const retentionDays = 14
const batchSize = 1_000

/**
 * Adds events to the consumer's inbox in the handler's transaction.
 * @returns the ids of those that the consumer has not handled before
 */
export const claimNew = async (db: Db, tx: Tx, consumer: string, ids: readonly string[]): Promise<Set<string>> => {
  const sql = `insert into inbox (consumer, event_id) select $1, unnest($2::uuid[])
    on conflict do nothing returning event_id`
  const rows = await db.query<{ event_id: string }>(sql, [consumer, ids], { tx, name: 'inbox_add' })
  return new Set(rows.map(({ event_id }) => event_id))
}

/** Removes events that the same transaction has claimed, because they were not handled. */
export const release = async (db: Db, tx: Tx, consumer: string, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return
  await db.query('delete from inbox where consumer = $1 and event_id = any($2::uuid[])', [consumer, ids], { tx })
}

/** Removes events that were handled more than 14 days ago, in batches, so that no lock is held for long. */
export const pruneInbox = async (db: Db, consumers: readonly string[], signal: AbortSignal): Promise<void> => {
  const sql = `delete from inbox where (consumer, event_id) in (
    select consumer, event_id from inbox
    where consumer = $1 and received_at < clock_timestamp() - make_interval(days => ${retentionDays}) limit ${batchSize}
  ) returning 1 as removed`
  for (const consumer of consumers) {
    while (!signal.aborted && (await db.query(sql, [consumer])).length === batchSize);
  }
}
