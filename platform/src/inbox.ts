import type { Db, Tx } from './db.ts'

const keptDays = 14
const slice = 1_000

/** Notes in the handler's transaction that `consumer` saw the event. @returns false when it had seen it before */
export const firstTime = async (db: Db, tx: Tx, consumer: string, eventId: string): Promise<boolean> => {
  const sql = 'insert into inbox (consumer, event_id) values ($1, $2) on conflict do nothing returning event_id'
  return (await db.query(sql, [consumer, eventId], { tx, name: 'inbox_add' })).length === 1
}

/** Removes notes older than 14 days, in slices, so that no lock is held for long. */
export const forgetOldEvents = async (db: Db, consumers: readonly string[], signal: AbortSignal): Promise<void> => {
  const sql = `delete from inbox where (consumer, event_id) in (
    select consumer, event_id from inbox
    where consumer = $1 and received_at < clock_timestamp() - make_interval(days => ${keptDays}) limit ${slice}
  ) returning 1 as removed`
  for (const consumer of consumers) {
    while (!signal.aborted && (await db.query(sql, [consumer])).length === slice);
  }
}
