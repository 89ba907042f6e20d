import type { Db, Tx } from '../../data/db.ts'

const keptDays = 14
const slice = 1_000

/** Notes in the handlers' transaction that `consumer` saw the events. @returns the ids of those that it had not seen before */
export const firstTime = async (db: Db, tx: Tx, consumer: string, ids: readonly string[]): Promise<Set<string>> => {
  const sql = `insert into inbox (consumer, event_id) select $1, unnest($2::uuid[])
    on conflict do nothing returning event_id`
  const rows = await db.query<{ event_id: string }>(sql, [consumer, ids], { tx, name: 'inbox_add' })
  return new Set(rows.map(({ event_id }) => event_id))
}

/** Takes notes of the same transaction back. */
export const unsee = async (db: Db, tx: Tx, consumer: string, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return
  await db.query('delete from inbox where consumer = $1 and event_id = any($2::uuid[])', [consumer, ids], { tx })
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
